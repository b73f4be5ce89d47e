// Replaces undici (package.json, "overrides"). @actions/http-client imports undici for one method, which returns a fetch
// dispatcher and is never called here. The real package would be nine tenths of the bundle.
export class ProxyAgent {
  constructor() {
    throw new Error('undici is left out of this bundle: see scripts/undici-stub')
  }
}
