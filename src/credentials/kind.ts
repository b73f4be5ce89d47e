import type { Credential } from '../bitbucket/credential.ts'
import type { CheckedKind } from '../bitbucket/rest.ts'
import type { Http } from '../http/exchange.ts'
import type { Secret } from '../secret.ts'
import type { TokenFormat } from './token-formats.ts'

/** One input of a credential, as a row of the table in `src/inputs.ts`. */
export interface KindInput {
  readonly type: 'text'
  readonly help: string
  readonly secret?: true
  /** Whether the value goes into a header as it is. */
  readonly inHeader?: true
  /** Other names that people give to its variable, without prefix, `-` and `_`: `consumersecret`. */
  readonly otherNames?: readonly string[]
}

export type KindInputs = Readonly<Record<string, KindInput>>

/** The value of an input: a {@link Secret} if it is secret, otherwise a string. For a `KindInput` that may be secret: either. */
export type ValueOf<Input> = Input extends { readonly secret: true }
  ? Secret
  : KindInput extends Input
    ? Secret | string
    : string

/** The values of all inputs of a kind. */
export type InputValues<Inputs extends KindInputs> = {
  readonly [Name in keyof Inputs]: ValueOf<Inputs[Name]>
}

/** What a kind of credential uses to obtain a token. */
export interface GrantContext {
  readonly http: Http
  /** `https://bitbucket.org`, or a server in its place. */
  readonly url: URL
  /** Scopes to ask for; empty for all. Only a Connect app can ask for fewer than it has. */
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch. */
  now(): number
  /** Masks a secret that was made here, before it is used. */
  hide(secret: Secret): void
  warn(text: string): void
}

/**
 * Everything that is special about one kind of credential. A new kind is a file with one definition, and a line in the list
 * in index.ts.
 */
export interface KindDefinition<Kind extends string = string, Inputs extends KindInputs = KindInputs>
  extends CheckedKind {
  /** Its name in the input `grant` and the output `credential-kind`. */
  readonly kind: Kind
  /** The name of the kind in texts for people. */
  readonly label: string
  /** The inputs it needs, in the order in which messages name them. */
  readonly inputs: Inputs
  /** The inputs that HTTP Basic carries together in Base64. The result is masked too. */
  readonly basic?: { readonly user: keyof Inputs & string; readonly password: keyof Inputs & string }
  /** The formats that a value of this kind has, to recognize it in the wrong input. */
  readonly formats?: readonly TokenFormat[]
  /** Whether Bitbucket's token endpoint issues the token. If not, the user made it, and it may be invalid. */
  readonly isIssued: boolean
  /** Whether earlier runs export their token in the variable of this kind's input. Any other credential wins over that variable. */
  readonly isExported?: true
  /** Whether only users who have had it for long need this kind. The help lists its inputs last. */
  readonly isLegacy?: true
  /** Whether the request names the scopes of the token. The tokens of other kinds have all scopes of their client. */
  readonly asksForScopes?: true
  /**
   * Returns what `check` says about the expiry of a token that the user made, because the API does not say it.
   * @param type Bitbucket's name for the type of the token, if it gave one
   */
  usualExpiry?(type: string | undefined): string
  /**
   * Checks the inputs that are set, which may be only some.
   * @throws {TokenError} `input` if a value is clearly not what was meant. The message never shows the value.
   */
  checkInputs?(inputs: Partial<InputValues<Inputs>>, names: { nameOf(input: string): string }): void
  /** How to replace a token that the user made. Set for kinds whose token expires on a date that only its owner knows. */
  readonly howToReplace?: string
  /**
   * Returns a credential that can be used.
   * @throws {TokenError} `credential-refused`, `scope-missing`, `access-denied`, `answer-unusable`, `unreachable`
   */
  obtain(inputs: InputValues<Inputs>, context: GrantContext): Promise<Credential>
  /** Returns what to do if the credential lacks these scopes. */
  adviseOnMissingScopes(missing: readonly string[]): string
}

/** Returns the definition. TypeScript infers the types of its inputs' values from its table of inputs. */
export const defineKind = <const Kind extends string, const Inputs extends KindInputs>(
  definition: KindDefinition<Kind, Inputs>,
): KindDefinition<Kind, Inputs> => definition
