import { verbs } from '../command-line.ts'
import { definitionOf, inputNames, variableOf } from '../inputs.ts'

/** The text of `--help`, made from the same tables that the program works from. */
export function helpText(): string {
  const rows = (pairs: readonly (readonly [string, string])[]): string => {
    const width = Math.max(...pairs.map(([name]) => name.length))
    return pairs.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n')
  }
  return `Usage: bitbucket-token [verb] [--flag value]… [-- command…]

Gets a Bitbucket Cloud credential in a CI job, checks it, masks it, hands it over.

Verbs:
${rows(Object.entries(verbs))}

Inputs, as variables. Those that are not secret are flags too: --some-name for BITBUCKET_SOME_NAME.
${rows(inputNames.map((name) => [variableOf(name), describe(name)] as const))}

Exit status: 0 done, 2 input, 3 Bitbucket refused the credential, 4 valid but a scope or access to the
repository is missing, 5 Bitbucket could not be reached or kept failing, 1 anything else.
`
}

function describe(name: (typeof inputNames)[number]): string {
  const { help, secret, default: usual } = definitionOf(name)
  const text = help.replaceAll('`', '')
  return `${text}${secret ? ' Secret: no flag.' : ''}${usual === undefined ? '' : ` Default: ${usual}.`}`
}
