import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { isMap, mapsWith, parseYaml, readText, root, type YamlMap } from '../metadata/files.ts'
import { inputVariables } from '../support/action-inputs.ts'

/** A step of a job: a script, or our program as an action or a pipe. */
export interface Step {
  readonly env: Readonly<Record<string, string>>
  readonly script?: string
  /** Our image, if the script runs in it. */
  readonly image?: string
  /** The command that takes the script as its last argument. */
  readonly shell: readonly [string, ...string[]]
}

const sh = ['sh', '-e', '-c'] as const
const bash = ['bash', '-eo', 'pipefail', '-c'] as const
const node = [process.execPath, '--input-type=module', '-e'] as const

const program = (env: Readonly<Record<string, string>>): Step => ({ env, shell: ['bitbucket-token'] })

/** A plugin step: the image runs without a command, and its settings are `PLUGIN_*`. It gets no other variables of the job. */
const plugin = (settings: unknown, ci: Readonly<Record<string, string>>): Step =>
  program({
    ...ci,
    ...Object.fromEntries(
      Object.entries(strings(settings)).flatMap(([name, value]) => [
        [`PLUGIN_${name.toUpperCase()}`, value],
        [`BITBUCKET_${name.toUpperCase()}`, ''],
      ]),
    ),
  })

/** A script, in the image that a CI's file names. Only our images are used; other scripts run on this machine. */
const inImage = (image: unknown, script: string, elsewhere: Step['shell']): Step => {
  const name = String(isMap(image) ? image['name'] : image)
  return name.startsWith('bitbuckettoken/')
    ? { script, shell: sh, env: {}, image: name }
    : { script, shell: elsewhere, env: {} }
}

const lines = (commands: unknown): string =>
  Array.isArray(commands) ? commands.join('\n') : String(commands)
const strings = (map: unknown): Record<string, string> =>
  isMap(map) ? Object.fromEntries(Object.entries(map).map(([name, value]) => [name, String(value)])) : {}
const mapAt = (map: YamlMap, key: string): YamlMap => (isMap(map[key]) ? map[key] : {})

/** Reads the steps of an example, by the CI or language for which it is written. */
export const readers = {
  shell: (text) => [{ script: text, shell: bash, env: {} }],

  github(text) {
    const file = parseYaml(text)
    const steps = Array.isArray(file) ? file : mapsWith('steps', file).flatMap((job) => job['steps'])
    return (steps as YamlMap[]).flatMap((step) => {
      if (typeof step['uses'] !== 'string')
        return [{ script: lines(step['run']), shell: bash, env: strings(step['env']) }]
      // The examples do not show what other actions do.
      if (!/^(https:\/\/github\.com\/)?bitbucket-token\//.test(step['uses'])) return []
      return [program(inputVariables(strings(step['with'])))]
    })
  },

  pipelines: (text) =>
    mapsWith('script', parseYaml(text)).flatMap(({ script }) => inOneShell(script as readonly unknown[])),

  azure: (text) =>
    mapsWith('bash', parseYaml(text)).map((step) => ({
      script: String(step['bash']),
      shell: ['bash', '--noprofile', '--norc', '-c'],
      env: strings(step['env']),
    })),

  circleci: (text) =>
    mapsWith('run', parseYaml(text)).map(({ run }) => ({
      script: String(run),
      shell: bash,
      env: {},
    })),

  codefresh: (text) => containers(text, {}),
  drone: (text) => containers(text, { DRONE: 'true' }),
  woodpecker: (text) => containers(text, { CI: 'woodpecker' }),

  /** The commands of a phase share a shell. (docs.aws.amazon.com/codebuild: "Build specification reference", version 0.2) */
  codebuild: (text) =>
    mapsWith('commands', parseYaml(text)).map((phase) => ({
      script: [phase['commands'], phase['finally']].filter(Boolean).map(lines).join('\n'),
      shell: sh,
      env: {},
    })),

  /** Cloud Build and Tekton: each container has a script. */
  scripts: (text) =>
    mapsWith('script', parseYaml(text)).map(({ script, image, name }) =>
      inImage(image ?? name, String(script), sh),
    ),

  /** The containers of a pod, in the order in which they run. A container without a command runs the image's entry point. */
  kubernetes: (text) =>
    mapsWith('image', parseYaml(text)).map((container) =>
      'command' in container ? { script: lines(container['args']), shell: sh, env: {} } : program({}),
    ),

  gitlab: (text) =>
    [parseYaml(text) as YamlMap]
      .flatMap((file) => ('script' in file ? [file] : (Object.values(file) as YamlMap[])))
      .flatMap(({ image, script, after_script: after }) =>
        [script, after]
          .filter((commands) => commands !== undefined)
          .map((commands) => inImage(image, lines(commands), bash)),
      ),

  harness: (text) =>
    mapsWith('spec', parseYaml(text))
      .map((step) => mapAt(step, 'spec'))
      .map((spec) =>
        'settings' in spec
          ? plugin(spec['settings'], { HARNESS_BUILD_ID: '7' })
          : { script: String(spec['command']), shell: sh, env: strings(spec['envVariables']) },
      ),

  jenkins: (text) =>
    [...text.matchAll(/sh '''([\s\S]*?)'''/g)].map(([, script = '']) => ({
      script,
      shell: ['sh', '-xe', '-c'],
      env: {},
    })),

  module: (text) => [{ script: bundled(text), shell: node, env: {} }],

  /** The commands of RUN. The files that they mount must exist. */
  docker: (text) =>
    [...text.matchAll(/^RUN (?:--\S+ \\?\s*)*((?:.*\\\n)*.*)/gm)].map(([, script = '']) => ({
      script,
      shell: sh,
      env: {},
    })),
} satisfies Record<string, (text: string) => readonly Step[]>

export type Reader = keyof typeof readers

const { exports: entries } = JSON.parse(readText('package.json')) as {
  exports: Readonly<Record<string, { readonly default: string }>>
}

/** Bundles a module with the package that it imports. The bundle uses src, from which the package is built. */
function bundled(text: string): string {
  const alias = Object.entries(entries).map(([entry, { default: built }]) => [
    entry.replace('.', 'bitbucket-token'),
    join(root, built.replace('/lib/', '/src/').replace(/\.js$/, '.ts')),
  ])
  const { outputFiles } = buildSync({
    stdin: { contents: text, resolveDir: root, loader: 'ts' },
    alias: Object.fromEntries(alias),
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/** Reads the containers of Codefresh, Drone or Woodpecker: each has a list of commands, or the settings of a plugin. */
function containers(text: string, ci: Readonly<Record<string, string>>): Step[] {
  return mapsWith('image', parseYaml(text)).map((step) =>
    'settings' in step
      ? plugin(step['settings'], ci)
      : { script: lines(step['commands']), shell: sh, env: strings(step['environment']) },
  )
}

/** The lines of a script share one shell up to a pipe, and another shell after it. */
function inOneShell(script: readonly unknown[]): Step[] {
  const steps: Step[] = []
  for (const item of script) {
    const last = steps.at(-1)
    if (isMap(item) && 'pipe' in item) steps.push(program(strings(item['variables'])))
    else if (last?.shell === bash) steps[steps.length - 1] = { ...last, script: `${last.script}\n${item}` }
    else steps.push({ script: String(item), shell: bash, env: {} })
  }
  return steps
}

/** Placeholders for a secret or an output, in the syntax of each CI. */
const placeholders = [
  /\$\{\{ secrets\.(\w+) \}\}/g,
  /\$\{\{ steps\.\w+\.outputs\.([\w-]+) \}\}/g,
  /<\+secrets\.getValue\("(\w+)"\)>/g,
  /\{ from_secret: (\w+) \}/g,
  /\$\((BITBUCKET_\w+)\)/g,
  /^\$(BITBUCKET_\w+)$/g,
]

/** Replaces the placeholders by their values. Upper and lower case of the names do not matter. */
export function withSecrets(text: string, secrets: Readonly<Record<string, string>>): string {
  return placeholders.reduce(
    (result, placeholder) =>
      result.replace(placeholder, (whole, name: string) => secrets[name.toUpperCase()] ?? whole),
    text,
  )
}
