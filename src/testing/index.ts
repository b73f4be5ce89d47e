/** Helpers for tests of programs that use `bitbucket-token`, based on nock or the sandbox. */
export type { Sandbox, SandboxOptions } from '../sandbox/index.ts'
export { type MockedRequest, type MockOptions, type MockScope, mock } from './mock.ts'
export { setEnvVars } from './set-env-vars.ts'
export { startSandbox } from './start-sandbox.ts'
export { accessToken, basicAuth, opts, refreshToken } from './values.ts'
