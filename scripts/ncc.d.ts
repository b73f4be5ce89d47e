declare module '@vercel/ncc' {
  interface Asset {
    readonly source: string | Buffer
  }
  interface Bundle {
    readonly code: string
    readonly assets: Readonly<Record<string, Asset>>
  }
  export default function ncc(entry: string, options: { cache: boolean; quiet: boolean }): Promise<Bundle>
}
