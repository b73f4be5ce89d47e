/** Loads what is needed to keep a refresh token from one run to the next. */
export const loadStores = () => import('./keeping-refresh-tokens.ts')
