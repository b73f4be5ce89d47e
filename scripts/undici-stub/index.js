// Stands in for undici (package.json, "overrides"). @actions/http-client imports it for one method that
// hands out a fetch dispatcher, which nothing here calls; the real package is nine tenths of the bundle.
export class ProxyAgent {
  constructor() {
    throw new Error('undici is left out of this bundle: see scripts/undici-stub')
  }
}
