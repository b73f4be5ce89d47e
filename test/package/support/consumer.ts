import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'

import type { Bitbucket } from '../../e2e/support/bitbucket.ts'
import { secretsIn } from '../../e2e/support/secrets.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../../..')

/** The other packages that the examples in the docs use. */
const companions = ['@types/node', 'undici-types', 'bitbucket', 'nock']

/** A block of TypeScript or JavaScript in a document. It is a whole module. */
export interface Example {
  /** The document and a number, such as `library-1`. */
  readonly name: string
  readonly language: string
  readonly code: string
}

/** Every such block in these documents. The sandbox's repository replaces the one that the README names. */
export const examples: readonly Example[] = ['README', 'docs/library'].flatMap((document) => {
  const text = readFileSync(join(root, `${document}.md`), 'utf8').replaceAll('acme/website', 'sandbox/hello')
  return [...text.matchAll(/^```(ts|js)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = ''], index) => ({
    name: `${basename(document)}-${index + 1}`,
    language,
    code,
  }))
})

/** Makes a project with this package and the packages that the examples use. */
export function makeConsumer(directory: string, ourPackage: string): void {
  const modules = join(directory, 'node_modules')
  for (const name of companions) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  cpSync(ourPackage, join(modules, 'bitbucket-token'), { recursive: true })
  writeFileSync(join(directory, 'package.json'), '{"private":true,"type":"module"}')
  for (const { name, language, code } of examples) writeFileSync(join(directory, `${name}.${language}`), code)
}

/**
 * Compiles the examples into `out/`, with TypeScript's strictest checks for them and our declarations.
 *
 * @returns the compiler's errors; empty if there are none
 */
export async function compile(consumer: string, resolution: 'nodenext' | 'bundler'): Promise<string> {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: false,
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    module: resolution === 'bundler' ? 'esnext' : resolution,
    moduleResolution: resolution,
    rootDir: '.',
    outDir: 'out',
    // Copies blocks in JavaScript to `out/` as well.
    allowJs: true,
  }
  writeFileSync(
    join(consumer, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['*.ts', '*.js'] }),
  )
  try {
    await execute(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', consumer])
    return ''
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

/**
 * Runs a compiled example with this Node against this Bitbucket.
 *
 * @returns the lines that its comments promise and it did not print, and the secrets that it printed
 */
export async function runExample(
  { name, code }: Example,
  consumer: string,
  bitbucket: Bitbucket,
  node: string,
): Promise<{ missing: string[]; shown: string[] }> {
  const { clientId, clientSecret, refreshToken } = bitbucket.credentials
  for (const secret of [clientSecret, refreshToken]) bitbucket.secrets.add(secret, 'secret')
  const home = mkdtempSync(join(consumer, 'home-'))
  writeFileSync(join(home, '.my-app'), JSON.stringify({ refreshToken }))
  const { stdout, stderr } = await execute(node, [join(consumer, 'out', `${name}.js`)], {
    env: {
      ...bitbucket.environment(),
      ...(code.includes('BITBUCKET_REFRESH_TOKEN') && { BITBUCKET_REFRESH_TOKEN: refreshToken }),
      RUNNER_TEMP: home,
      bitbucketKey: clientId,
      bitbucketSecret: clientSecret,
      HOME: home,
    },
  })
  const promised = [...code.matchAll(/^ *console\.log\(.*\) \/\/ (\S+)$/gm)].map(([, value = '']) => value)
  const lines = stdout.split('\n')
  return {
    missing: promised.filter((value) => !lines.some((line) => line.split(' ').includes(value))),
    shown: secretsIn(stdout + stderr, bitbucket.secrets),
  }
}
