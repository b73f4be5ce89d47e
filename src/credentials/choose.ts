import { TokenError } from '../errors.ts'
import {
  type ChosenCredential,
  type CredentialInput,
  type CredentialInputs,
  type CredentialKind,
  credentialInputs,
  credentialKinds,
  inputsOfKind,
  kinds,
} from './index.ts'

/** Where the inputs came from, and how to name them to the user who gave them. */
export interface InputSource {
  /** `action`: every value was written into this step; `variables`: some may be left over from earlier steps. */
  readonly from: 'action' | 'variables'
  nameOf(input: CredentialInput | 'grant'): string
  /** What the CI is known to do to secrets that arrive empty. */
  readonly emptySecretHint: string
  /** Names values that look as if they were meant for an input. */
  variableHints?(): readonly string[]
}

export interface Choice {
  readonly chosen: ChosenCredential
  /** What the user should know about the choice, for example a credential that was found and not used. */
  readonly notice: string | undefined
}

/**
 * Returns the credential that the inputs mean: the kind that `grant` names, or else the one kind that has all inputs that are
 * set. Any other kind wins over a token in a variable that an earlier run may have exported.
 * @throws {TokenError} `input` if no credential is set, only half of one, or a mix
 */
export function chooseCredential(
  inputs: CredentialInputs,
  grant: CredentialKind | 'auto',
  source: InputSource,
): Choice {
  const present = credentialInputs.filter((name) => inputs[name] !== undefined)
  const kind = grant === 'auto' ? inferKind(present, source) : grant
  const needed = inputsOfKind(kind)
  const missing = needed.filter((name) => !present.includes(name))
  if (missing.length > 0) {
    throw new TokenError(
      'input',
      `Missing: ${named(missing, source)}.`,
      [`The credential "${kind}" needs ${named(needed, source)}.`, ...whyMissing(source)].join('\n'),
    )
  }
  const unused = present.filter((name) => !needed.includes(name))
  const notice =
    unused.length === 0
      ? undefined
      : `Found and not used: ${named(unused, source)}${grant === 'auto' ? ' (perhaps left by an earlier run)' : ''}. This run uses ${named(needed, source)}.`
  const used = Object.fromEntries(needed.map((name) => [name, inputs[name]])) as unknown as CredentialInputs
  return { chosen: { kind, inputs: used }, notice }
}

/** Returns why inputs may be missing, the likeliest reason first. */
const whyMissing = (source: InputSource): string[] => [
  ...(source.variableHints?.() ?? []),
  source.emptySecretHint,
]

/** The inputs whose variables may hold the token of an earlier run. */
const exportedInputs = kinds.filter(({ isExported }) => isExported).flatMap(({ kind }) => inputsOfKind(kind))

function inferKind(present: readonly CredentialInput[], source: InputSource): CredentialKind {
  if (present.length === 0) {
    const ways = credentialKinds.map((name) => `- ${named(inputsOfKind(name), source)}`)
    throw new TokenError(
      'input',
      'No credential was given: every input for one is empty.',
      ['Give one of:', ...ways, ...whyMissing(source)].join('\n'),
    )
  }
  const others = present.filter((name) => !exportedInputs.includes(name))
  const meant = source.from === 'variables' && others.length > 0 ? others : present
  const kind = credentialKinds.find((name) => meant.every((input) => inputsOfKind(name).includes(input)))
  if (kind === undefined) {
    throw new TokenError(
      'input',
      `More than one kind of credential was given: ${named(present, source)}.`,
      `Give one kind, or choose one with ${source.nameOf('grant')}.`,
    )
  }
  return kind
}

const named = (names: readonly CredentialInput[], source: InputSource): string =>
  names.map((name) => source.nameOf(name)).join(', ')
