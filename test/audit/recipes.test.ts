import { expect, test } from 'vitest'
import { recipeFor, recipeRow, recipes } from '../../src/audit/recipes.ts'
import { rules } from '../../src/audit/rules/index.ts'
import { Secrets, secretsIn } from '../e2e/support/secrets.ts'
import { corpusFiles } from './corpus.ts'
import { secrets } from './made-up.ts'
import { scan } from './scan.ts'

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: these are templates of shells and CIs.
test.each([
  [
    'a.sh',
    'curl -u "$U:$BITBUCKET_APP_PASSWORD" https://api.bitbucket.org/2.0/user',
    '-u "$BITBUCKET_EMAIL:$BITBUCKET_API_TOKEN"',
  ],
  [
    'a.py',
    "requests.get(url, auth=(user, os.environ['BITBUCKET_APP_PASSWORD']))",
    'auth=(os.environ["BITBUCKET_EMAIL"], os.environ["BITBUCKET_API_TOKEN"])',
  ],
  ['main.tf', 'password = var.bitbucket_app_password', 'oauth_client_secret = var.bitbucket_client_secret'],
  ['Jenkinsfile', "credentials('bitbucket-app-password')", "credentialsId: 'bitbucket-oauth'"],
  [
    '.github/workflows/a.yml',
    'git push https://${{ secrets.U }}:${{ secrets.APP_PASSWORD }}@bitbucket.org/a/b',
    'x-token-auth:${{ secrets.BITBUCKET_ACCESS_TOKEN }}@bitbucket.org',
  ],
  [
    'azure-pipelines.yml',
    'git clone https://$(u):$(appPassword)@bitbucket.org/a/b',
    'x-bitbucket-api-token-auth:$(BITBUCKET_API_TOKEN)@',
  ],
  [
    '.github/workflows/a.yml',
    'PASSWORD: ${{ secrets.BITBUCKET_APP_PASSWORD }}',
    'client-secret: ${{ secrets.BITBUCKET_CLIENT_SECRET }}',
  ],
  ['Jenkinsfile', "sh 'curl -u $U:$APP_PASSWORD https://api.bitbucket.org/2.0/user'", 'curl -H'],
  ['jenkins.yaml', 'password: "${BITBUCKET_APP_PASSWORD}"', 'password: "${BITBUCKET_CLIENT_SECRET}"'],
  ['a.sh', 'docker login crg.apkg.io -u "$EMAIL" -p "$PASSWORD"', '--password-stdin crg.apkg.io'],
  [
    'a.py',
    'clone(f"https://{user}:{app_password}@bitbucket.org/a/b")',
    "x-token-auth:{os.environ['BITBUCKET_ACCESS_TOKEN']}@",
  ],
  ['a.cmd', 'git clone https://%U%:%P%@bitbucket.org/a/b', '%BITBUCKET_ACCESS_TOKEN%'],
  ['Dockerfile', 'RUN git clone https://x-token-auth:$TOKEN@bitbucket.org/a/b', '--mount=type=secret'],
  [
    'site.yml',
    'repo: "https://{{ u }}:{{ bb_app_password }}@bitbucket.org/a/b"',
    '{{ bitbucket_access_token }}@bitbucket.org',
  ],
])('%s: the recipe for %s has %s', (path, line, part) => {
  expect(recipeFor(path, line)).toContain(part)
})
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: see above.

test('a recipe never shows a secret, in whole or in part', () => {
  const known = new Secrets()
  for (const [name, value] of Object.entries(secrets)) known.add(value, name)
  const shown = corpusFiles().flatMap(({ path, text }) =>
    scan(Buffer.from(path), Buffer.from(text), rules).hits.map(({ recipe }) => recipe ?? ''),
  )
  expect(shown.filter((recipe) => recipe !== '').length).toBeGreaterThan(120)
  expect(secretsIn(shown.join('\n'), known)).toEqual([])
})

test('every recipe is used by a line of the corpus or of this test', () => {
  const lines = corpusFiles().flatMap(({ path, text }) => text.split('\n').map((line) => ({ path, line })))
  const used = new Set(lines.map(({ path, line }) => recipeRow(path, line)?.where))
  expect(recipes.filter(({ where }) => !used.has(where)).map(({ where }) => where)).toEqual([])
})
