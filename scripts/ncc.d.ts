declare module '@vercel/ncc' {
  interface Asset {
    readonly source: string | Buffer
  }
  /** A module as webpack describes it. */
  export interface Module {
    /** The absolute path of its file; modules that webpack makes itself have none. */
    readonly resource?: string
    /** The modules that webpack has joined into this one. */
    readonly modules?: Iterable<Module>
  }
  /** One output file, before it is written. */
  export interface Chunk {
    readonly files: Iterable<string>
    /** What loads it. */
    readonly groupsIterable: Iterable<{ readonly origins: readonly { readonly request?: string }[] }>
  }
  interface Compilation {
    readonly chunks: Iterable<Chunk>
    readonly chunkGraph: { getChunkModulesIterable(chunk: Chunk): Iterable<Module> }
  }
  interface Bundle {
    readonly code: string
    readonly assets: Readonly<Record<string, Asset>>
    readonly stats: { readonly compilation: Compilation }
  }
  export default function ncc(entry: string, options: { cache: boolean; quiet: boolean }): Promise<Bundle>
}
