// What keeps a refresh token from one run to the next. Most runs need none of it, so it is loaded on demand.
export { checkReplaceable } from '../stores/file.ts'
export { parseStorePlace } from '../stores/place.ts'
export { openRotation } from './rotation.ts'
export { openStoreFor, saveInTime, unwritable } from './saving.ts'
export { keepRefreshToken } from './unsaved-token.ts'
