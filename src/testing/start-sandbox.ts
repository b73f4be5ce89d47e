import {
  callback,
  number,
  object,
  type Rule,
  type RulesFor,
  readOptions,
  text,
} from '../library/option-rules.ts'
import type { Sandbox, SandboxOptions } from '../sandbox/index.ts'
import { startSandbox as start } from '../sandbox/index.ts'

const list: Rule = { what: 'a list', nextStep: 'Pass an array of strings.', accepts: Array.isArray }

const sandboxRules: RulesFor<SandboxOptions> = {
  port: number,
  now: callback,
  accessTokenLifetime: number,
  refreshTokenGrace: number,
  answers: text,
  scopes: list,
  rateLimit: object,
}

/**
 * Starts a Bitbucket Cloud on loopback. This is `startSandbox` of `bitbucket-token/sandbox`, which documents its options.
 * @throws {TokenError} `input` for an unknown option, or a value of the wrong type
 */
export async function startSandbox(options?: SandboxOptions | null): Promise<Sandbox> {
  return start(readOptions(options, 'startSandbox', sandboxRules))
}
