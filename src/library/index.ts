/**
 * The public API of the npm package: gets a token for Bitbucket Cloud in your own program, as the action does in a CI job.
 */
export type { CredentialKind } from '../credentials/index.ts'
export { type ErrorCode, type ExitStatus, TokenError } from '../errors.ts'
export type { StoredConfig } from '../stores/stored-config.ts'
export {
  type ApiOptions,
  type AuthenticatedApi,
  createAuthenticatedAPI,
  type GivenToken,
} from './authenticated-api.ts'
export type { BitbucketToken } from './bitbucket-token.ts'
export { UnsavedTokenError } from './errors.ts'
export { createFileStorage, type FileStorageOptions } from './file-storage.ts'
export { getAccessToken } from './get-access-token.ts'
export type { LogFunction, Logger, LogLevel, LogOptions } from './log.ts'
export { forgetAccessTokens } from './memory.ts'
export type {
  CredentialOptions,
  ErrorEvent,
  ProvidedCredentials,
  SuccessEvent,
  TokenOptions,
} from './options.ts'
export type {
  PlainResponse,
  ReceivedResponse,
  ResponseHooks,
  SendRequest,
  TokenRequest,
  TokenResponse,
} from './request.ts'
export type { LoadedConfig, StorageContext, TokenStorage } from './storage.ts'
