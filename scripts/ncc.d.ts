declare module '@vercel/ncc' {
  interface Asset {
    readonly source: string | Buffer
  }
  /** A module of webpack. */
  export interface Module {
    readonly resource?: string
    readonly modules?: Iterable<Module>
  }
  interface Bundle {
    readonly code: string
    readonly assets: Readonly<Record<string, Asset>>
    readonly stats: { readonly compilation: { readonly modules: Iterable<Module> } }
  }
  export default function ncc(entry: string, options: { cache: boolean; quiet: boolean }): Promise<Bundle>
}
