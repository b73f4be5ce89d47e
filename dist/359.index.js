export const id = 359;
export const ids = [359];
export const modules = {

/***/ 359:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  sandbox: () => (/* binding */ sandbox)
});

// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(421);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(161);
// EXTERNAL MODULE: ./build/hosts/output-directory.js + 1 modules
var output_directory = __webpack_require__(290);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(598);
;// CONCATENATED MODULE: ./build/sandbox/token-shapes.js

function base64(length) {
    const random = (0,external_node_crypto_.randomBytes)(length).toString('base64').replaceAll('=', '');
    return `${random.slice(0, length - 4)}+a/B`;
}
function alphanumeric(length) {
    return (0,external_node_crypto_.randomBytes)(length * 2)
        .toString('base64')
        .replaceAll(/[^A-Za-z0-9]/g, '')
        .slice(0, length);
}
const checksum = () => (0,external_node_crypto_.randomBytes)(4).toString('hex').toUpperCase();
function consumerShape(legacy) {
    return legacy
        ? { clientId: alphanumeric(18), clientSecret: alphanumeric(32) }
        : { clientId: alphanumeric(32), clientSecret: alphanumeric(76) };
}
function oauthTokenShape(legacy) {
    return legacy ? `${base64(84)}=` : `${base64(60)}.${base64(2300)}.${base64(342)}==`;
}
function apiTokenShape() {
    return `ATATT3xFfGF0${base64(171)}=${checksum()}`;
}
function accessTokenShape() {
    return `ATCTT3xFfGN0${base64(171)}=${checksum()}`;
}

;// CONCATENATED MODULE: ./build/sandbox/accounts.js


const person = { email: 'sandbox@example.com', username: 'sandbox-user' };
const repository = { workspace: 'sandbox', slug: 'hello', fullName: 'sandbox/hello' };
const unusedRefreshTokenLifetime = 90 * 24 * 60 * 60 * 1000;
const longestTokenLifetime = 365 * 24 * 60 * 60 * 1000;
const defaultApiTokenScopes = [
    'read:user:bitbucket',
    'read:workspace:bitbucket',
    'read:repository:bitbucket',
    'write:repository:bitbucket',
];
class Accounts {
    #settings;
    #consumers = new Map();
    #tokens = new Map();
    #refreshTokens = new Map();
    #revoked = new Set();
    constructor(settings) {
        this.#settings = settings;
    }
    get legacy() {
        return this.#settings.legacy;
    }
    issueConsumer(options = {}) {
        const credentials = consumerShape(this.legacy);
        this.#consumers.set(credentials.clientId, {
            ...credentials,
            public: options.public ?? false,
            callback: options.callback ?? true,
            scopes: options.scopes ?? this.#settings.scopes,
        });
        return credentials;
    }
    issueRefreshToken(clientId, options = {}) {
        const consumer = this.#consumers.get(options.clientId ?? clientId);
        if (consumer === undefined)
            throw new Error('The sandbox has no consumer with this client id');
        return this.#addRefreshToken(consumer.clientId, options.scopes ?? consumer.scopes);
    }
    issueOAuthToken(options = {}) {
        const actsAs = options.actsAs ?? 'app_user';
        const scopes = options.scopes ?? this.#settings.scopes;
        return this.#addOAuthToken(scopes, actsAs, actsAs === 'user', options.expired).value;
    }
    issueAccessToken(options = {}) {
        return this.#add({
            kind: 'access-token',
            value: accessTokenShape(),
            scopes: options.scopes ?? ['repository', 'repository:write', 'pullrequest'],
            level: options.level ?? 'repository',
            repositories: options.repositories ?? [repository.fullName],
            expiresAt: this.#expiry(longestTokenLifetime, options.expired),
        }).value;
    }
    issueApiToken(options = {}) {
        return this.#add({
            kind: 'api-token',
            value: apiTokenShape(),
            scopes: options.scopes ?? defaultApiTokenScopes,
            expiresAt: this.#expiry(longestTokenLifetime, options.expired),
        }).value;
    }
    consumer(clientId, clientSecret) {
        const consumer = this.#consumers.get(clientId);
        const matches = equalInConstantTime(clientSecret, consumer?.clientSecret ?? '');
        if (consumer === undefined || !matches || this.#isRevoked(consumer))
            return undefined;
        return consumer;
    }
    grantToClient(consumer) {
        if (!this.legacy)
            return this.#grant(consumer.scopes, 'app_user');
        return this.#grant(consumer.scopes, 'user', this.#addRefreshToken(consumer.clientId, consumer.scopes));
    }
    renew(consumer, value) {
        const spent = this.#refreshTokens.get(value);
        if (spent?.clientId !== consumer.clientId || !this.#works(spent))
            return undefined;
        if (this.legacy)
            return this.#grant(spent.scopes, 'user', value);
        if (!spent.used) {
            spent.used = true;
            spent.expiresAt = this.#settings.now() + this.#settings.refreshTokenGrace * 1000;
        }
        return this.#grant(spent.scopes, 'user', this.#addRefreshToken(consumer.clientId, spent.scopes));
    }
    token(value) {
        const token = this.#tokens.get(value);
        if (token === undefined || this.#revoked.has(value))
            return 'unknown';
        if (this.#works(token))
            return token;
        if (token.kind !== 'oauth')
            return 'unknown';
        return token.renewable ? 'expired-renewable' : 'expired';
    }
    revoke(credential) {
        const issued = this.#tokens.has(credential) ||
            this.#refreshTokens.has(credential) ||
            [...this.#consumers.values()].some((c) => c.clientId === credential || c.clientSecret === credential);
        if (!issued)
            throw new Error('The sandbox issued no such credential');
        this.#revoked.add(credential);
    }
    isLive(value) {
        const token = this.#tokens.get(value) ?? this.#refreshTokens.get(value);
        return token !== undefined && this.#works(token);
    }
    #grant(scopes, actsAs, refreshToken) {
        return {
            accessToken: this.#addOAuthToken(scopes, actsAs, refreshToken !== undefined),
            expiresIn: this.#settings.accessTokenLifetime,
            ...(refreshToken !== undefined && { refreshToken }),
        };
    }
    #addOAuthToken(scopes, actsAs, renewable, expired = false) {
        return this.#add({
            kind: 'oauth',
            value: oauthTokenShape(this.legacy),
            scopes,
            actsAs,
            renewable,
            expiresAt: this.#expiry(this.#settings.accessTokenLifetime * 1000, expired),
        });
    }
    #addRefreshToken(clientId, scopes) {
        const value = oauthTokenShape(this.legacy);
        const expiresAt = this.#expiry(unusedRefreshTokenLifetime);
        this.#refreshTokens.set(value, { value, scopes, clientId, used: false, expiresAt });
        return value;
    }
    #add(token) {
        this.#tokens.set(token.value, token);
        return token;
    }
    #expiry(lifetime, expired = false) {
        return expired ? Number.NEGATIVE_INFINITY : this.#settings.now() + lifetime;
    }
    #works(token) {
        return !this.#revoked.has(token.value) && this.#settings.now() < token.expiresAt;
    }
    #isRevoked(consumer) {
        return this.#revoked.has(consumer.clientId) || this.#revoked.has(consumer.clientSecret);
    }
}
function equalInConstantTime(a, b) {
    const digest = (text) => (0,external_node_crypto_.createHash)('sha256').update(text).digest();
    return (0,external_node_crypto_.timingSafeEqual)(digest(a), digest(b));
}

;// CONCATENATED MODULE: ./build/sandbox/answers.js
function json(status, body, headers = {}) {
    return {
        status,
        headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
        body: JSON.stringify(body),
    };
}
function answers_text(status, body, headers = {}) {
    return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}
function page(status, title, sentence) {
    const body = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${title} &mdash; Bitbucket</title></head>
<body><h1>${title}</h1><p>${sentence}</p></body>
</html>
`;
    return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body };
}
function send(res, { status, headers, body }) {
    res.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
    res.end(body);
}

// EXTERNAL MODULE: external "node:events"
var external_node_events_ = __webpack_require__(474);
;// CONCATENATED MODULE: ./build/sandbox/git-environment.js
function gitEnvironment(home) {
    const { PATH = '', SYSTEMROOT } = process.env;
    return {
        PATH,
        ...(SYSTEMROOT !== undefined && { SYSTEMROOT }),
        HOME: home,
        XDG_CONFIG_HOME: home,
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        LC_ALL: 'C',
    };
}

;// CONCATENATED MODULE: ./build/sandbox/git-backend.js




class GitBackend {
    #running = new Set();
    serve(root, request) {
        return (req, res) => this.#run(root, request, req, res);
    }
    #run(root, request, req, res) {
        if (res.destroyed)
            return;
        const env = { ...gitEnvironment(root.directory), ...cgiVariables(root, request, req) };
        const child = (0,external_node_child_process_.spawn)(root.httpBackend, { env, cwd: root.directory });
        this.#running.add(child);
        child.once('error', () => { });
        child.once('close', () => this.#running.delete(child));
        child.stderr.resume();
        child.stdin.on('error', () => { });
        req.pipe(child.stdin);
        passOn(child, res);
        res.once('close', () => child.kill());
    }
    async stop() {
        const ended = [...this.#running].map((child) => (0,external_node_events_.once)(child, 'close'));
        for (const child of this.#running)
            child.kill();
        await Promise.allSettled(ended);
    }
}
function cgiVariables(root, request, req) {
    const header = (variable, name) => {
        const value = req.headers[name];
        return typeof value === 'string' ? { [variable]: value } : {};
    };
    return {
        GIT_PROJECT_ROOT: root.directory,
        GIT_HTTP_EXPORT_ALL: '1',
        GATEWAY_INTERFACE: 'CGI/1.1',
        SERVER_PROTOCOL: 'HTTP/1.1',
        REQUEST_METHOD: req.method ?? 'GET',
        PATH_INFO: request.path,
        QUERY_STRING: request.query,
        REMOTE_USER: request.user,
        REMOTE_ADDR: '127.0.0.1',
        ...header('CONTENT_TYPE', 'content-type'),
        ...header('CONTENT_LENGTH', 'content-length'),
        ...header('HTTP_CONTENT_ENCODING', 'content-encoding'),
        ...header('GIT_PROTOCOL', 'git-protocol'),
    };
}
function passOn(child, res) {
    let head = Buffer.alloc(0);
    const readHead = (chunk) => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1)
            return;
        child.stdout.off('data', readHead);
        const { status, headers } = parseCgiHeader(head.subarray(0, end).toString('latin1'));
        res.writeHead(status, headers);
        res.write(head.subarray(end + 4));
        child.stdout.pipe(res);
    };
    child.stdout.on('data', readHead);
    child.once('close', () => {
        if (!res.headersSent && !res.destroyed)
            send(res, answers_text(500, 'git http-backend gave no answer.'));
    });
}
function parseCgiHeader(text) {
    const headers = {};
    let status = 200;
    for (const line of text.split('\r\n')) {
        const colon = line.indexOf(':');
        const name = line.slice(0, colon).toLowerCase();
        const value = line.slice(colon + 1).trim();
        if (name === 'status')
            status = Number.parseInt(value, 10);
        else
            headers[name] = value;
    }
    return { status, headers };
}

;// CONCATENATED MODULE: ./build/sandbox/scopes.js
const implied = {
    'repository:write': ['repository'],
    project: ['repository'],
    pullrequest: ['repository'],
    'pullrequest:write': ['pullrequest', 'repository:write'],
};
function covers(granted, required) {
    return granted.some((scope) => scope === required || (Object.hasOwn(implied, scope) && covers(implied[scope] ?? [], required)));
}

;// CONCATENATED MODULE: ./build/sandbox/access.js


const readUser = { oauth: 'account', apiToken: 'read:user:bitbucket' };
const readRepository = { oauth: 'repository', apiToken: 'read:repository:bitbucket' };
const writeRepository = {
    oauth: 'repository:write',
    apiToken: 'write:repository:bitbucket',
};
function nameFor(token, scope) {
    return token.kind === 'api-token' ? scope.apiToken : scope.oauth;
}
function holds(token, scope) {
    return covers(token.scopes, nameFor(token, scope));
}
function reaches(token, fullName) {
    if (fullName !== repository.fullName)
        return false;
    return token.kind !== 'access-token' || token.repositories.includes(fullName);
}
const lackingScopes = 'Your credentials lack one or more required privilege scopes.';
const noSuchRepository = 'You may not have access to this repository or it no longer exists in this workspace. If you think this repository exists and you have access, make sure you are authenticated.';

;// CONCATENATED MODULE: ./build/sandbox/authorization.js
function parseAuthorization(header) {
    if (header === undefined || header.trim() === '')
        return { scheme: 'none' };
    const [, scheme = '', value = ''] = /^(\S+)\s*(.*)$/.exec(header.trim()) ?? [];
    if (scheme.toLowerCase() === 'bearer')
        return { scheme: 'bearer', token: value };
    if (scheme.toLowerCase() !== 'basic')
        return { scheme: 'other' };
    const pair = Buffer.from(value, 'base64').toString('utf8');
    const colon = pair.indexOf(':');
    if (colon === -1)
        return { scheme: 'other' };
    return { scheme: 'basic', user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
function isAppPassword(secret) {
    return secret.startsWith('ATBB');
}

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(760);
// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __webpack_require__(975);
;// CONCATENATED MODULE: ./build/sandbox/git-repositories.js







const run = (0,external_node_util_.promisify)(external_node_child_process_.execFile);
class GitMissing extends Error {
}
class GitRepositories {
    #root;
    #directory;
    root() {
        this.#root ??= this.#create();
        return this.#root;
    }
    async remove() {
        await this.#root?.catch(() => { });
        if (this.#directory !== undefined) {
            await (0,promises_.rm)(this.#directory, { recursive: true, force: true, maxRetries: 5 });
        }
    }
    async #create() {
        const httpBackend = await findHttpBackend();
        const directory = await (0,promises_.mkdtemp)((0,external_node_path_.join)((0,external_node_os_.tmpdir)(), 'bitbucket-sandbox-'));
        this.#directory = directory;
        await createRepository((0,external_node_path_.join)(directory, repository.workspace, `${repository.slug}.git`), directory);
        return { directory, httpBackend };
    }
}
async function findHttpBackend() {
    const found = await run('git', ['--exec-path']).catch(() => undefined);
    if (found === undefined)
        throw new GitMissing('The sandbox serves repositories with git, and there is no git on the PATH.');
    const program = (0,external_node_path_.join)(found.stdout.trim(), 'git-http-backend');
    const exists = await Promise.any([(0,promises_.stat)(program), (0,promises_.stat)(`${program}.exe`)]).catch(() => undefined);
    if (exists === undefined) {
        throw new GitMissing(`The sandbox serves repositories with git http-backend, and there is no ${program} (Alpine has it in the package git-daemon).`);
    }
    return program;
}
async function createRepository(path, home) {
    const env = gitEnvironment(home);
    await run('git', ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', path], { env });
    await (0,promises_.appendFile)((0,external_node_path_.join)(path, 'config'), configuration);
    await importHistory(path, env);
}
const configuration = `[gc]
	auto = 0
[receive]
	autogc = false
[uploadpack]
	allowFilter = true
	allowTipSHA1InWant = true
	allowReachableSHA1InWant = true
`;
const readme = `# ${repository.slug}

A repository of the bitbucket-token sandbox.
`;
const git_repositories_history = `commit refs/heads/main
committer Sandbox <sandbox@example.com> 1767225600 +0000
data 11
Add README

M 100644 inline README.md
data ${Buffer.byteLength(readme)}
${readme}`;
async function importHistory(path, env) {
    const child = (0,external_node_child_process_.spawn)('git', ['fast-import', '--quiet'], {
        cwd: path,
        env,
        stdio: ['pipe', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (chunk) => {
        complaint += chunk.toString();
    });
    child.stdin.end(git_repositories_history);
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0)
        throw new Error(`git fast-import failed: ${complaint}`);
}

;// CONCATENATED MODULE: ./build/sandbox/git-http.js





const services = /^\/([^/]+\/[^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;
function isGitPath(path) {
    return services.test(path);
}
async function answerGit({ req, url }, accounts, repositories, backend) {
    const [, fullName = '', resource = ''] = services.exec(url.pathname) ?? [];
    const service = resource === 'info/refs' ? url.searchParams.get('service') : resource;
    const presented = parseAuthorization(req.headers.authorization);
    if (presented.scheme === 'basic' && isAppPassword(presented.password)) {
        return answers_text(410, 'App passwords are deprecated and must be replaced with API tokens.');
    }
    const token = authenticate(presented, accounts);
    if (token === undefined)
        return challenge();
    const required = service === 'git-receive-pack' ? writeRepository : readRepository;
    if (!holds(token, required))
        return answers_text(403, lackingScopes);
    if (!reaches(token, fullName))
        return answers_text(403, noSuchRepository);
    try {
        const root = await repositories.root();
        const path = `/${fullName}.git/${resource}`;
        const user = token.kind === 'api-token' ? person.username : 'x-token-auth';
        return backend.serve(root, { path, query: url.search.slice(1), user });
    }
    catch (error) {
        if (!(error instanceof GitMissing))
            throw error;
        return answers_text(501, error.message);
    }
}
function authenticate(presented, accounts) {
    const secret = presented.scheme === 'basic'
        ? presented.password
        : presented.scheme === 'bearer'
            ? presented.token
            : undefined;
    if (secret === undefined)
        return undefined;
    const token = accounts.token(secret);
    if (typeof token === 'string')
        return undefined;
    if (presented.scheme === 'bearer')
        return token.kind === 'api-token' ? undefined : token;
    return presented.scheme === 'basic' && isGitUser(presented.user, token) ? token : undefined;
}
function isGitUser(user, token) {
    if (token.kind !== 'api-token')
        return user === 'x-token-auth';
    const scopeless = token.scopes.length === 0;
    return !scopeless && (user === 'x-bitbucket-api-token-auth' || user === person.username);
}
function challenge() {
    return answers_text(401, noSuchRepository, { 'www-authenticate': 'Basic realm="Bitbucket.org HTTP"' });
}

// EXTERNAL MODULE: external "node:http"
var external_node_http_ = __webpack_require__(67);
;// CONCATENATED MODULE: ./build/sandbox/listener.js


async function listen(port, handle) {
    const server = (0,external_node_http_.createServer)(handle);
    server.listen(port, '127.0.0.1');
    await (0,external_node_events_.once)(server, 'listening');
    const { port: bound } = server.address();
    return {
        url: `http://127.0.0.1:${bound}`,
        port: bound,
        async close() {
            const closed = (0,external_node_events_.once)(server, 'close');
            server.close();
            server.closeAllConnections();
            await closed;
        },
    };
}

;// CONCATENATED MODULE: ./build/sandbox/rest-objects.js

const workspace = {
    type: 'workspace',
    slug: repository.workspace,
    name: 'Sandbox',
    uuid: '{5a0d8a10-0000-4000-8000-000000000001}',
};
function userObject(token, webUrl) {
    if (token.kind === 'api-token' || (token.kind === 'oauth' && token.actsAs === 'user')) {
        return {
            type: 'user',
            display_name: 'Sandbox User',
            nickname: person.username,
            username: person.username,
            account_id: '557058:5a0d8a10-0000-4000-8000-000000000002',
            account_status: 'active',
            uuid: '{5a0d8a10-0000-4000-8000-000000000002}',
            created_on: '2026-01-01T00:00:00.000000+00:00',
            links: { html: { href: `${webUrl}/${person.username}/` } },
        };
    }
    return {
        type: 'app_user',
        display_name: 'Sandbox App',
        account_id: '712020:5a0d8a10-0000-4000-8000-000000000003',
        account_status: 'active',
        kind: 'app',
        uuid: '{5a0d8a10-0000-4000-8000-000000000003}',
        created_on: '2026-01-01T00:00:00.000000+00:00',
    };
}
function repositoryObject(token, webUrl) {
    const html = `${webUrl}/${repository.fullName}`;
    const clone = new URL(`${html}.git`);
    if (token.kind === 'api-token' || (token.kind === 'oauth' && token.actsAs === 'user')) {
        clone.username = person.username;
    }
    return {
        type: 'repository',
        full_name: repository.fullName,
        name: repository.slug,
        slug: repository.slug,
        uuid: '{5a0d8a10-0000-4000-8000-000000000004}',
        is_private: true,
        scm: 'git',
        mainbranch: { type: 'branch', name: 'main' },
        workspace,
        links: {
            html: { href: html },
            clone: [
                { name: 'https', href: clone.href },
                { name: 'ssh', href: `git@bitbucket.org:${repository.fullName}.git` },
            ],
        },
    };
}

;// CONCATENATED MODULE: ./build/sandbox/rest.js





function answerRest({ req, url }, accounts, webUrl) {
    const path = url.pathname.replace(/\/+$/, '');
    if (!/^\/2\.0(\/|$)/.test(path))
        return failure(403, 'Forbidden');
    if (isRemoved(path))
        return removed();
    const fullName = /^\/2\.0\/repositories\/([^/]+\/[^/]+)$/.exec(path)?.[1];
    const known = path === '/2.0/user' || fullName !== undefined;
    if (!known || (req.method !== 'GET' && req.method !== 'HEAD'))
        return noApi();
    const presented = parseAuthorization(req.headers.authorization);
    if (presented.scheme === 'none') {
        return fullName === undefined ? whoAreYou() : failure(404, noSuchRepository);
    }
    const token = rest_authenticate(presented, accounts);
    if (typeof token === 'string')
        return failure(401, token);
    const required = fullName === undefined ? readUser : readRepository;
    const headers = credentialHeaders(token, required);
    if (!holds(token, required))
        return lacking(token, required, headers);
    if (fullName === undefined) {
        if (token.kind === 'access-token' && token.level !== 'workspace') {
            return lacking(token, required, headers);
        }
        return json(200, userObject(token, webUrl), headers);
    }
    if (!reaches(token, fullName))
        return failure(404, noSuchRepository, headers);
    return json(200, repositoryObject(token, webUrl), headers);
}
function rest_authenticate(presented, accounts) {
    const invalid = 'Token is invalid, expired, or not supported for this endpoint.';
    if (presented.scheme === 'basic') {
        if (isAppPassword(presented.password) || presented.user !== person.email)
            return invalid;
        const token = accounts.token(presented.password);
        if (typeof token === 'string' || token.kind !== 'api-token')
            return invalid;
        return token.scopes.length === 0 ? invalid : token;
    }
    if (presented.scheme !== 'bearer')
        return invalid;
    const token = accounts.token(presented.token);
    if (token === 'expired')
        return 'Access token expired.';
    if (token === 'expired-renewable') {
        return 'Access token expired. Use your refresh token to obtain a new access token.';
    }
    if (token === 'unknown' || token.kind === 'api-token')
        return invalid;
    return token;
}
function credentialHeaders(token, required) {
    return {
        'x-oauth-scopes': token.scopes.join(', '),
        'x-accepted-oauth-scopes': required.oauth,
        ...(token.kind === 'api-token' && { 'x-credential-type': 'api_token' }),
        ...(token.kind === 'access-token' && { 'x-credential-type': accessTokenTypes[token.level] }),
    };
}
const accessTokenTypes = {
    repository: 'repo_access_token',
    project: 'project_access_token',
    workspace: 'workspace_access_token',
};
function isRemoved(path) {
    return /^\/2\.0\/(repositories|workspaces|user\/permissions\/.+)$/.test(path);
}
function removed() {
    return json(410, {
        type: 'error',
        error: {
            message: 'CHANGE-2770 - Functionality has been deprecated',
            detail: 'Please read the changelog entry for more details.',
            data: { announcement_url: 'https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770' },
        },
    });
}
function noApi() {
    return json(404, {
        type: 'error',
        error: {
            message: 'Resource not found',
            detail: "There is no API hosted at this URL.\n\nFor information about our API's, please refer to the documentation at: https://developer.atlassian.com/bitbucket/api/2/reference/",
        },
    });
}
function whoAreYou() {
    return {
        status: 401,
        headers: { 'www-authenticate': 'BitbucketCustom realm=Bitbucket.org HTTP' },
        body: '',
    };
}
function lacking(token, required, headers) {
    const detail = { required: [nameFor(token, required)], granted: token.scopes };
    return json(403, { type: 'error', error: { message: lackingScopes, detail } }, headers);
}
function failure(status, message, headers = {}) {
    return json(status, { type: 'error', error: { message } }, headers);
}

;// CONCATENATED MODULE: ./build/sandbox/token-endpoint.js


const tokenEndpointPath = '/site/oauth2/access_token';
function answerTokenRequest({ req, url, body }, accounts) {
    if (req.method !== 'POST')
        return page(405, 'Method not allowed', 'This URL takes POST requests only.');
    const presented = parseAuthorization(req.headers.authorization);
    if (presented.scheme === 'bearer' || url.searchParams.size > 0) {
        return page(200, 'Log in to continue', 'OpenID transaction in progress.');
    }
    if (presented.scheme !== 'basic') {
        return refuse('unauthorized_client', 'Requests must be authenticated using OAuth client credentials');
    }
    const consumer = accounts.consumer(presented.user, presented.password);
    if (consumer === undefined)
        return refuse('unauthorized_client', 'Invalid OAuth client credentials');
    const form = readForm(req.headers['content-type'], body);
    const grantType = form.get('grant_type') ?? 'None';
    switch (grantType) {
        case 'client_credentials': {
            if (consumer.public) {
                return refuse('invalid_grant', 'Cannot use client_credentials with a consumer marked as "public". Calls for auto generated consumers should use urn:bitbucket:oauth2:jwt instead.');
            }
            if (!consumer.callback)
                return refuseWithoutCallback();
            return grant(accounts.grantToClient(consumer), grantType, accounts.legacy);
        }
        case 'refresh_token': {
            if (!consumer.callback)
                return refuseWithoutCallback();
            const renewed = accounts.renew(consumer, form.get('refresh_token') ?? '');
            if (renewed === undefined) {
                return refuse(accounts.legacy ? 'invalid_request' : 'invalid_grant', 'Invalid refresh_token');
            }
            return grant(renewed, grantType, accounts.legacy);
        }
        case 'password':
            return refuse('invalid_request', 'Invalid resource owner username/password');
        default:
            return refuse('invalid_grant', `Unsupported grant type: ${grantType}`);
    }
}
function readForm(contentType = '', body) {
    const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType);
    return new URLSearchParams(isForm ? body : '');
}
function grant(granted, grantType, legacy) {
    const { accessToken, expiresIn, refreshToken } = granted;
    const scopes = accessToken.scopes.join(' ');
    return json(200, {
        access_token: accessToken.value,
        ...(legacy ? { scopes } : { scope: scopes }),
        expires_in: expiresIn,
        ...(refreshToken !== undefined && { refresh_token: refreshToken }),
        token_type: 'bearer',
        ...(legacy && { state: grantType }),
    }, { 'cache-control': 'no-store' });
}
function refuseWithoutCallback() {
    return refuse('invalid_request', 'No callback uri defined for the OAuth client.');
}
function refuse(error, description) {
    return json(400, { error_description: description, error }, { 'cache-control': 'no-store' });
}

;// CONCATENATED MODULE: ./build/sandbox/rate-limit.js

class RateLimit {
    #limit;
    #now;
    #taken = [];
    constructor(limit, now) {
        this.#limit = limit;
        this.#now = now;
    }
    refusal() {
        const { requests, perSeconds, retryAfter } = this.#limit;
        const now = this.#now();
        this.#taken = this.#taken.filter((time) => time > now - perSeconds * 1000);
        if (this.#taken.length < requests) {
            this.#taken.push(now);
            return undefined;
        }
        const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
        return answers_text(429, 'Rate limit for this resource has been exceeded', headers);
    }
}

;// CONCATENATED MODULE: ./build/sandbox/request-log.js
const bodyLimit = 1024 * 1024;
function recordRequest(req, res) {
    return {
        method: req.method ?? '',
        path: req.url ?? '',
        headers: req.headers,
        body: '',
        get status() {
            return res.headersSent ? res.statusCode : 0;
        },
    };
}
function readBody(req) {
    return new Promise((resolve, reject) => {
        const chunks = [];
        let length = 0;
        req.on('data', (chunk) => {
            length += chunk.length;
            if (length > bodyLimit)
                resolve(undefined);
            else
                chunks.push(chunk);
        });
        req.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
        req.once('error', reject);
    });
}

;// CONCATENATED MODULE: ./build/sandbox/script.js

class Script {
    #answers = [];
    add(answers) {
        this.#answers.push(...answers);
    }
    take(path) {
        const index = this.#answers.findIndex((answer) => typeof answer === 'function' || path.startsWith(answer.path ?? ''));
        return index === -1 ? undefined : this.#answers.splice(index, 1)[0];
    }
}
function scriptedReply({ status, headers = {}, body = '' }) {
    const answer = typeof body === 'string' ? answers_text(status, body) : json(status, body);
    for (const [name, value] of Object.entries(headers))
        answer.headers[name.toLowerCase()] = value;
    return answer;
}

;// CONCATENATED MODULE: ./build/sandbox/traffic.js




class Traffic {
    requests = [];
    script = new Script();
    #rateLimit;
    constructor(limit, now) {
        this.#rateLimit = limit && new RateLimit(limit, now);
    }
    to(surface, isStreamed) {
        return (req, res) => {
            this.#handle(surface, isStreamed, req, res).catch((error) => sendDefect(res, error));
        };
    }
    async #handle(surface, isStreamed, req, res) {
        const entry = recordRequest(req, res);
        this.requests.push(entry);
        const url = new URL(entry.path.startsWith('/') ? `http://sandbox${entry.path}` : entry.path);
        if (!isStreamed(url.pathname)) {
            const body = await readBody(req);
            if (body === undefined)
                return send(res, answers_text(413, 'The sandbox takes bodies of at most 1 MB.'));
            entry.body = body;
        }
        const decide = () => surface({ req, url, body: entry.body });
        const scripted = this.script.take(entry.path);
        if (typeof scripted === 'function') {
            return scripted(req, res, () => {
                decide().then((answer) => give(answer, req, res), (error) => sendDefect(res, error));
            });
        }
        if (scripted !== undefined && 'status' in scripted)
            return send(res, scriptedReply(scripted));
        if (scripted !== undefined) {
            await decide();
            res.destroy();
            return;
        }
        give(this.#rateLimit?.refusal() ?? (await decide()), req, res);
    }
}
function give(answer, req, res) {
    if (typeof answer === 'function')
        answer(req, res);
    else
        send(res, answer);
}
function sendDefect(res, error) {
    if (res.headersSent || res.destroyed)
        return;
    send(res, answers_text(500, `The sandbox failed: ${error instanceof Error ? error.message : String(error)}`));
}

;// CONCATENATED MODULE: ./build/sandbox/index.js









async function startSandbox(options = {}) {
    const now = options.now ?? Date.now;
    const accounts = new Accounts({
        now,
        accessTokenLifetime: options.accessTokenLifetime ?? 7200,
        refreshTokenGrace: options.refreshTokenGrace ?? 600,
        legacy: options.answers === 'legacy',
        scopes: options.scopes ?? ['account', 'repository', 'repository:write', 'pullrequest'],
    });
    const repositories = new GitRepositories();
    const backend = new GitBackend();
    const traffic = new Traffic(options.rateLimit, now);
    const bitbucket = async (exchange) => {
        const path = exchange.url.pathname;
        if (path === tokenEndpointPath)
            return answerTokenRequest(exchange, accounts);
        if (isGitPath(path))
            return answerGit(exchange, accounts, repositories, backend);
        return page(404, 'Resource not found', 'This URL does not point to anything.');
    };
    const rest = async (exchange) => answerRest(exchange, accounts, web.url);
    const web = await listen(options.port ?? 0, traffic.to(bitbucket, isGitPath));
    const api = await listen(options.port ? options.port + 1 : 0, traffic.to(rest, () => false)).catch(async (error) => {
        await web.close();
        throw error;
    });
    const consumer = accounts.issueConsumer();
    const credentials = {
        ...consumer,
        ...person,
        refreshToken: accounts.issueRefreshToken(consumer.clientId),
        apiToken: accounts.issueApiToken(),
        accessToken: accounts.issueAccessToken(),
    };
    const issuers = {
        consumer: (options) => accounts.issueConsumer(options),
        'refresh-token': (options) => accounts.issueRefreshToken(consumer.clientId, options),
        'oauth-token': (options) => accounts.issueOAuthToken(options),
        'access-token': (options) => accounts.issueAccessToken(options),
        'api-token': (options) => accounts.issueApiToken(options),
    };
    const shutDown = async () => {
        await Promise.all([web.close(), api.close()]);
        await backend.stop();
        await repositories.remove();
    };
    let closing;
    return {
        url: web.url,
        apiUrl: api.url,
        credentials,
        repository: repository.fullName,
        requests: traffic.requests,
        script: (...answers) => traffic.script.add(answers),
        issue: (kind, options) => issuers[kind](options),
        revoke: (credential) => accounts.revoke(credential),
        isLive: (token) => accounts.isLive(token),
        environment: () => ({
            BITBUCKET_URL: web.url,
            BITBUCKET_API_URL: api.url,
            BITBUCKET_CLIENT_ID: credentials.clientId,
            BITBUCKET_CLIENT_SECRET: credentials.clientSecret,
        }),
        close: () => {
            closing ??= shutDown();
            return closing;
        },
    };
}

;// CONCATENATED MODULE: ./build/commands/sandbox.js




async function sandbox(world, command) {
    const server = await startSandbox();
    try {
        return await (command.length === 0 ? announce(server, world) : runAgainst(server, command, world));
    }
    finally {
        await server.close();
    }
}
function announce(server, world) {
    for (const [name, value] of Object.entries(server.environment())) {
        world.stdout(`export ${name}=${(0,output_directory/* shellQuote */.ZL)(value)}\n`);
    }
    world.stderr([
        `An embedded Bitbucket listens on ${server.url}; all its credentials are made up. Ctrl-C ends it.`,
        'In another shell, paste the lines above, then for example:',
        '  bitbucket-token && . .bitbucket-token/env.sh',
        `  git -c credential.helper="store --file '$BITBUCKET_GIT_CREDENTIALS_FILE'" clone ${server.url}/${server.repository}.git`,
        '',
    ].join('\n'));
    return new Promise((resolve) => {
        if (world.stop.aborted)
            resolve(0);
        world.stop.addEventListener('abort', () => resolve(0), { once: true });
    });
}
function runAgainst(server, [file = '', ...args], world) {
    return new Promise((resolve) => {
        const child = (0,external_node_child_process_.spawn)(file, args, { stdio: 'inherit', env: { ...world.env, ...server.environment() } });
        world.stop.addEventListener('abort', () => child.kill(), { once: true });
        child.on('error', (error) => {
            world.stderr(`error: ${file} could not be started: ${error.message}\n`);
            resolve(127);
        });
        child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : external_node_os_.constants.signals[signal])));
    });
}


/***/ }),

/***/ 984:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   D: () => (/* binding */ revealed)
/* harmony export */ });
const revealed = (value) => typeof value === 'string' ? value : value.reveal();


/***/ }),

/***/ 290:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  V: () => (/* binding */ defaultDirectory),
  X3: () => (/* binding */ outputDirectoryHost),
  ZL: () => (/* binding */ shellQuote)
});

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(760);
// EXTERNAL MODULE: ./build/errors.js
var errors = __webpack_require__(473);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(24);
;// CONCATENATED MODULE: ./build/git/exclude.js


function excludeFromGit(directory) {
    const workTree = findWorkTree((0,external_node_path_.dirname)(directory));
    if (workTree === undefined)
        return undefined;
    const file = (0,external_node_path_.join)(commonDirectory(workTree), 'info', 'exclude');
    const pattern = `/${(0,external_node_path_.relative)(workTree, directory).split(external_node_path_.sep).map(escapeGlob).join('/')}/`;
    const existing = readIfThere(file);
    if (!existing.split(/\r?\n/).includes(pattern)) {
        (0,external_node_fs_.mkdirSync)((0,external_node_path_.dirname)(file), { recursive: true });
        (0,external_node_fs_.appendFileSync)(file, `${existing === '' || existing.endsWith('\n') ? '' : '\n'}${pattern}\n`);
    }
    return file;
}
function findWorkTree(from) {
    for (let directory = from;; directory = (0,external_node_path_.dirname)(directory)) {
        if ((0,external_node_fs_.statSync)((0,external_node_path_.join)(directory, '.git'), { throwIfNoEntry: false }) !== undefined)
            return directory;
        if ((0,external_node_path_.dirname)(directory) === directory)
            return undefined;
    }
}
function commonDirectory(workTree) {
    const dotGit = (0,external_node_path_.join)(workTree, '.git');
    if ((0,external_node_fs_.statSync)(dotGit).isDirectory())
        return dotGit;
    const pointer = /^gitdir: (.*)$/m.exec((0,external_node_fs_.readFileSync)(dotGit, 'utf8'))?.[1] ?? '';
    const gitDirectory = (0,external_node_path_.resolve)(workTree, pointer);
    const common = readIfThere((0,external_node_path_.join)(gitDirectory, 'commondir')).trim();
    return common === '' ? gitDirectory : (0,external_node_path_.resolve)(gitDirectory, common);
}
function readIfThere(file) {
    try {
        return (0,external_node_fs_.readFileSync)(file, 'utf8');
    }
    catch {
        return '';
    }
}
const escapeGlob = (name) => name.replace(/[\\*?[\]!# ]/g, '\\$&');

// EXTERNAL MODULE: ./build/secret.js
var secret = __webpack_require__(714);
// EXTERNAL MODULE: ./build/secret-file.js
var secret_file = __webpack_require__(293);
// EXTERNAL MODULE: ./build/hosts/host.js
var host = __webpack_require__(984);
// EXTERNAL MODULE: ./build/hosts/plain-log.js
var plain_log = __webpack_require__(711);
;// CONCATENATED MODULE: ./build/hosts/output-directory.js







const environmentFile = 'env.sh';
const ours = [environmentFile, 'git-credentials', 'refresh-token', 'access-token.json'];
function outputDirectoryHost(world, { path, whyEmpty, debug }) {
    const log = (0,plain_log/* plainLog */.L)(world, debug);
    const directory = (0,external_node_path_.resolve)(world.cwd, path);
    const written = [];
    const write = (name, content) => {
        (0,secret_file/* takePrivateDirectory */.qC)(directory, ours);
        exclude();
        return (0,secret_file/* writeSecretFile */.AK)(directory, name, content);
    };
    const exclude = () => {
        try {
            excludeFromGit(directory);
        }
        catch (error) {
            log.warning(`${directory} could not be added to .git/info/exclude (${(0,errors/* reasonOf */.A3)(error)}): do not commit it.`);
        }
    };
    return {
        log,
        whyEmpty,
        mask() { },
        keep: (name, secret) => `the file ${write(name, secret)}`,
        writeSecretFile(name, content) {
            const file = write(name, content);
            written.push(name);
            return file;
        },
        handOver({ variables }) {
            if (variables.size === 0)
                return undefined;
            const file = write(environmentFile, shellScript(variables));
            return `For this shell: . ${shellQuote(file)}`;
        },
        summarize() { },
        discard() {
            if (written.length > 0)
                (0,secret_file/* removeSecretFiles */.Ci)(directory, written);
        },
    };
}
function shellScript(variables) {
    const exports = [...variables].map(([name, value]) => `export ${name}=${shellQuote((0,host/* revealed */.D)(value))}\n`);
    return new secret/* Secret */.zh(`{ set +x; } 2>/dev/null\n${exports.join('')}`);
}
const shellQuote = (value) => `'${value.replaceAll("'", "'\\''")}'`;
const defaultDirectory = (base) => (0,external_node_path_.join)(base, '.bitbucket-token');


/***/ }),

/***/ 293:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   AK: () => (/* binding */ writeSecretFile),
/* harmony export */   Ci: () => (/* binding */ removeSecretFiles),
/* harmony export */   Dn: () => (/* binding */ makePrivateDirectory),
/* harmony export */   qC: () => (/* binding */ takePrivateDirectory),
/* harmony export */   th: () => (/* binding */ removePrivateDirectory)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(24);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(473);



function makePrivateDirectory(path) {
    attempt(`The private directory ${path} could not be made`, () => {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.mkdirSync)(path, { mode: 0o700 });
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.chmodSync)(path, 0o700);
    });
}
function takePrivateDirectory(path, ours) {
    return attempt(`The private directory ${path} could not be made`, () => {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.mkdirSync)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.dirname)(path), { recursive: true });
        try {
            makePrivateDirectory(path);
            return true;
        }
        catch (error) {
            const found = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.lstatSync)(path, { throwIfNoEntry: false });
            if (found === undefined)
                throw error;
            if (!found.isDirectory())
                throw new Error('something that is not a directory is there already');
        }
        const strange = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readdirSync)(path).find((name) => !ours.includes(name) && !isTemporary(name));
        if (strange !== undefined)
            throw new Error(`it holds other files, such as ${strange}`);
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.chmodSync)(path, 0o700);
        return false;
    });
}
function writeSecretFile(directory, name, content) {
    const path = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(directory, name);
    attempt(`The file ${path} could not be written`, () => {
        const temporary = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(directory, `${temporaryPrefix}${crypto.randomUUID()}`);
        try {
            const file = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.openSync)(temporary, 'wx', 0o600);
            try {
                (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.fchmodSync)(file, 0o600);
                (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.writeFileSync)(file, content.reveal());
            }
            finally {
                (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.closeSync)(file);
            }
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.renameSync)(temporary, path);
        }
        catch (error) {
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(temporary, { force: true });
            throw error;
        }
    });
    return path;
}
function removePrivateDirectory(path) {
    attempt(`${path} could not be removed`, () => {
        const found = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.lstatSync)(path, { throwIfNoEntry: false });
        if (found === undefined)
            return;
        if (!found.isDirectory())
            throw new Error('it is not the directory that was made');
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(path, { recursive: true, force: true });
    });
}
function removeSecretFiles(directory, names) {
    attempt(`${directory} could not be cleaned`, () => {
        for (const name of names)
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(directory, name), { force: true });
        const found = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.lstatSync)(directory, { throwIfNoEntry: false });
        if (found?.isDirectory() && (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readdirSync)(directory).length === 0)
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmdirSync)(directory);
    });
}
const temporaryPrefix = '.new-';
const isTemporary = (name) => name.startsWith(temporaryPrefix);
function attempt(failure, work) {
    try {
        return work();
    }
    catch (error) {
        if (error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .TokenError */ .gz)
            throw error;
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .TokenError */ .gz('file', `${failure}: ${(0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .reasonOf */ .A3)(error)}.`, adviceFor(error), error);
    }
}
function adviceFor(error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOSPC' || code === 'EDQUOT')
        return 'Make room on the disk, then run it again.';
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
        return 'Give a directory that this user may write to (output-dir, or docker run --user and a mounted directory of that user).';
    }
    return 'Give a directory of its own for the secret files (output-dir).';
}


/***/ })

};
