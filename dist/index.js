#!/usr/bin/env node
import { createRequire as __WEBPACK_EXTERNAL_createRequire } from "module";
/******/ var __webpack_modules__ = ({

/***/ 613:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("assert");

/***/ }),

/***/ 434:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("events");

/***/ }),

/***/ 611:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("http");

/***/ }),

/***/ 692:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("https");

/***/ }),

/***/ 278:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("net");

/***/ }),

/***/ 421:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:child_process");

/***/ }),

/***/ 598:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:crypto");

/***/ }),

/***/ 474:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:events");

/***/ }),

/***/ 24:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:fs");

/***/ }),

/***/ 455:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:fs/promises");

/***/ }),

/***/ 67:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:http");

/***/ }),

/***/ 161:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:os");

/***/ }),

/***/ 760:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:path");

/***/ }),

/***/ 975:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("node:util");

/***/ }),

/***/ 756:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("tls");

/***/ }),

/***/ 23:
/***/ ((module) => {

module.exports = __WEBPACK_EXTERNAL_createRequire(import.meta.url)("util");

/***/ }),

/***/ 92:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   D: () => (/* binding */ parseCommandLine),
/* harmony export */   P: () => (/* binding */ verbs)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(473);
/* harmony import */ var _inputs_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(175);


const verbs = {
    acquire: 'Get a credential and hand it over to the job. The verb when none is given.',
    sandbox: 'Run an embedded Bitbucket on loopback; with -- COMMAND, run that against it.',
};
function parseCommandLine(args) {
    const end = args.includes('--') ? args.indexOf('--') : args.length;
    const own = args.slice(0, end);
    const command = args.slice(end + 1);
    const flags = new Map();
    let verb;
    for (let index = 0; index < own.length; index++) {
        const argument = own[index] ?? '';
        if (argument === '--help' || argument === '-h')
            return { verb: 'help', flags, command };
        if (argument === '--version')
            return { verb: 'version', flags, command };
        if (argument.startsWith('--')) {
            const [, name = '', inline] = /^--([^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
            const input = flagNamed(name);
            const value = inline ?? own[++index];
            if (value === undefined)
                throw wrong(`--${input} has no value.`, `Write --${input} VALUE.`);
            flags.set(input, value);
        }
        else if (verb === undefined)
            verb = verbNamed(argument);
        else
            throw wrong('There is one argument too many.', 'Give one verb, then flags: --flag value.');
    }
    return { verb: verb ?? 'acquire', flags, command };
}
const wrong = (message, nextStep) => new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .TokenError */ .gz('input', message, `${nextStep} See bitbucket-token --help.`);
function flagNamed(name) {
    const input = _inputs_js__WEBPACK_IMPORTED_MODULE_1__/* .inputNames */ .vj.find((candidate) => candidate === name);
    if (input === undefined)
        throw wrong(`There is no flag ${printable(name, '--')}.`, 'Check its name.');
    if ((0,_inputs_js__WEBPACK_IMPORTED_MODULE_1__/* .definitionOf */ .Fg)(input).secret) {
        throw wrong(`--${input} is not a flag.`, `Set ${(0,_inputs_js__WEBPACK_IMPORTED_MODULE_1__/* .variableOf */ .Qn)(input)}: a process list shows arguments to everybody on the machine.`);
    }
    return input;
}
function verbNamed(word) {
    if (word === 'help' || word === 'version')
        return word;
    if (Object.hasOwn(verbs, word))
        return word;
    throw wrong(`There is no verb ${printable(word, '')}.`, `The verbs are: ${Object.keys(verbs).join(', ')}.`);
}
const printable = (word, prefix) => /^[a-z]+(-[a-z]+){0,3}$/.test(word) && word.length <= 24 ? `${prefix}${word}` : 'of that name';


/***/ }),

/***/ 808:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  X: () => (/* binding */ acquire),
  j: () => (/* binding */ hide)
});

// EXTERNAL MODULE: ./build/errors.js
var errors = __nccwpck_require__(473);
;// CONCATENATED MODULE: ./build/credentials/choose.js

const needs = {
    'client-credentials': ['client-id', 'client-secret'],
    'refresh-token': ['client-id', 'client-secret', 'refresh-token'],
    'api-token': ['email', 'api-token'],
    'access-token': ['access-token'],
};
function chooseCredential(inputs, grant, giver) {
    const present = credentialInputs.filter((name) => inputs[name] !== undefined);
    const kind = grant === 'auto' ? infer(present, giver) : grant;
    const credential = complete(kind, inputs);
    if (credential === undefined) {
        const missing = needs[kind].filter((name) => inputs[name] === undefined);
        throw new errors/* TokenError */.gz('input', `Empty: ${named(missing, giver)}.`, `The credential "${kind}" needs ${named(needs[kind], giver)}.\n${giver.whyEmpty}`);
    }
    const unused = present.filter((name) => !needs[kind].includes(name));
    const notice = unused.length === 0
        ? undefined
        : `Found too, and not used: ${named(unused, giver)}. This run uses ${named(needs[kind], giver)}.`;
    return { credential, notice };
}
const credentialInputs = [
    'client-id',
    'client-secret',
    'refresh-token',
    'email',
    'api-token',
    'access-token',
];
function infer(present, giver) {
    const isGiven = (name) => present.includes(name);
    const oauth = needs['refresh-token'].some(isGiven);
    const apiToken = needs['api-token'].some(isGiven);
    const accessToken = isGiven('access-token');
    if (present.length === 0) {
        const ways = Object.values(needs).map((names) => `- ${named(names, giver)}`);
        throw new errors/* TokenError */.gz('input', 'No credential was given: every input for one is empty.', `Give one of:\n${ways.join('\n')}\n${giver.whyEmpty}`);
    }
    const isLeftover = giver.from === 'variables';
    if ((oauth && apiToken) || (accessToken && (oauth || apiToken) && !isLeftover)) {
        throw new errors/* TokenError */.gz('input', `More than one kind of credential was given: ${named(present, giver)}.`, `Give one kind, or say which to use with ${giver.nameOf('grant')}.`);
    }
    if (oauth)
        return isGiven('refresh-token') ? 'refresh-token' : 'client-credentials';
    return apiToken ? 'api-token' : 'access-token';
}
function complete(kind, inputs) {
    const clientId = inputs['client-id'];
    const clientSecret = inputs['client-secret'];
    const refreshToken = inputs['refresh-token'];
    const { email, 'api-token': apiToken, 'access-token': accessToken } = inputs;
    switch (kind) {
        case 'client-credentials':
            return clientId && clientSecret ? { kind, clientId, clientSecret } : undefined;
        case 'refresh-token':
            return clientId && clientSecret && refreshToken
                ? { kind, clientId, clientSecret, refreshToken }
                : undefined;
        case 'api-token':
            return email && apiToken ? { kind, email, apiToken } : undefined;
        case 'access-token':
            return accessToken ? { kind, accessToken } : undefined;
    }
}
const named = (names, giver) => names.map((name) => giver.nameOf(name)).join(', ');

;// CONCATENATED MODULE: ./build/credentials/bearer.js
function bearer(kind, token) {
    return {
        kind,
        token,
        tokenType: 'bearer',
        authorization: token.derive((value) => `Bearer ${value}`),
        gitUsername: 'x-token-auth',
        expiresIn: undefined,
        expiryIsAssumed: false,
        scopes: undefined,
        refreshToken: undefined,
    };
}

;// CONCATENATED MODULE: ./build/credentials/access-token.js

function fromAccessToken(given) {
    return bearer(given.kind, given.accessToken);
}

// EXTERNAL MODULE: ./build/secret.js
var build_secret = __nccwpck_require__(714);
;// CONCATENATED MODULE: ./build/credentials/api-token.js

function fromApiToken(given) {
    return {
        kind: given.kind,
        token: given.apiToken,
        tokenType: 'basic',
        authorization: (0,build_secret/* basicCredentials */.BG)(given.email, given.apiToken).derive((value) => `Basic ${value}`),
        gitUsername: 'x-bitbucket-api-token-auth',
        expiresIn: undefined,
        expiryIsAssumed: false,
        scopes: undefined,
        refreshToken: undefined,
    };
}

;// CONCATENATED MODULE: ./build/bitbucket/answers.js

function readObject(response) {
    let value;
    try {
        value = JSON.parse(response.body);
    }
    catch {
        return undefined;
    }
    return isObject(value) ? value : undefined;
}
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
function stringAt(object, key) {
    const value = isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
}
const isHtml = (response) => /html/i.test(response.headers['content-type'] ?? '') || /^\s*<(!doctype|html)/i.test(response.body);
function unusable(response, url, wanted) {
    const what = `${url.host} answered with status ${response.status}`;
    const inBetween = 'Something between this machine and Bitbucket may answer in its place (a proxy, a firewall, a login page)';
    if (response.status >= 300 && response.status <= 399) {
        return new errors/* TokenError */.gz('answer-unusable', `${what}, a redirect${targetOf(response, url)}, where ${wanted} was due.`, `It was not followed, for the secret would have gone along. ${inBetween}; if the address has changed, set url and api-url.`);
    }
    if (response.status === 407) {
        return new errors/* TokenError */.gz('answer-unusable', `${what}: a proxy wants a user name and password.`, 'Set HTTPS_PROXY=http://user:password@proxy:port, percent-encoded.');
    }
    if (response.status === 404 || response.status === 405) {
        return new errors/* TokenError */.gz('answer-unusable', `${what}: there is nothing at ${url.pathname}.`, 'Check url and api-url: they name the web address and the API of Bitbucket Cloud, without a path.');
    }
    const kind = isHtml(response) ? 'an HTML page' : response.body === '' ? 'nothing' : 'something else';
    return new errors/* TokenError */.gz('answer-unusable', `${what} and ${kind} where ${wanted} was due.`, `${inBetween}: open ${url.origin} from this network, and see https://bitbucket.status.atlassian.com.`);
}
function targetOf(response, url) {
    const location = response.headers['location'];
    if (location === undefined || !URL.canParse(location, url.href))
        return '';
    return ` to ${(0,errors/* quoteForLog */.I5)(new URL(location, url).origin)}`;
}

;// CONCATENATED MODULE: ./build/bitbucket/refusals.js


const deadRefreshToken = [
    'The refresh token is dead: Bitbucket gives a new one with every use and drops the old one about ten minutes later, and one that was not used for three months.',
    'Store the newest one; or use client credentials, which need no refresh token.',
].join('\n');
const tokenEndpointRefusals = [
    {
        matches: /consumer marked as|marked as "public"/i,
        nextStep: 'The OAuth consumer is public. Workspace settings → OAuth consumers → Edit: tick "This is a private consumer".',
    },
    {
        matches: /callback ur[il]/i,
        nextStep: 'The OAuth consumer has no callback URL. Workspace settings → OAuth consumers → Edit: enter any URL, such as https://example.com; this grant never calls it.',
    },
    {
        matches: /refresh.?token/i,
        nextStep: deadRefreshToken,
    },
    {
        matches: /resource owner|unsupported.grant/i,
        nextStep: 'Bitbucket does not offer this grant to the consumer: use client credentials or a refresh token.',
    },
    {
        matches: /invalid.scope/i,
        nextStep: 'A scope is not one of those the consumer has: Workspace settings → OAuth consumers → Edit.',
    },
];
const wrongKeyOrSecret = [
    'The key or the secret of the OAuth consumer is wrong, or the consumer was deleted: copy both again from Workspace settings → OAuth consumers.',
    'A user name with a password, an API token or an app password will not do here.',
].join('\n');
function refusedByTokenEndpoint(response, kind) {
    const body = readObject(response);
    const error = stringAt(body, 'error') ?? '';
    const description = stringAt(body, 'error_description') ?? '';
    const text = `${description} ${error}`;
    const known = tokenEndpointRefusals.find(({ matches }) => matches.test(text));
    const inGeneral = kind === 'refresh-token' && error === 'invalid_grant' ? deadRefreshToken : wrongKeyOrSecret;
    const nextStep = known?.nextStep ?? inGeneral;
    const said = [error && (0,errors/* quoteForLog */.I5)(error), description && `"${(0,errors/* quoteForLog */.I5)(description)}"`].filter(Boolean);
    return new errors/* TokenError */.gz('credential-refused', `Bitbucket refused the ${kind === 'refresh-token' ? 'refresh token or its client' : 'client credentials'} (${[`status ${response.status}`, ...said].join(', ')}).`, nextStep);
}
const restRefusals = {
    'api-token': [
        'Check in this order:',
        '- email is the address of the Atlassian account that owns the token, not a user name;',
        '- the token was created "with scopes" for the app Bitbucket; one without scopes, or for Jira or Confluence, is refused;',
        '- it has not expired (a year at most) and was not revoked: id.atlassian.com → Security → API tokens;',
        '- the value is an API token; app passwords are gone since 2026-07-28.',
    ].join('\n'),
    'access-token': [
        'Check in this order:',
        '- the token has not expired and was not revoked: settings of its repository, project or workspace → Access tokens;',
        '- it is an access token (ATCTT…), not an API token (ATATT…), which goes into api-token with its email;',
        '- it was not issued by an earlier run: an OAuth token ends after two hours.',
    ].join('\n'),
    'client-credentials': 'Bitbucket has just issued this token, so this should not be: run the job again, and see https://bitbucket.status.atlassian.com.',
    'refresh-token': 'Bitbucket has just issued this token, so this should not be: run the job again, and see https://bitbucket.status.atlassian.com.',
};
function refusedByRest(response, kind) {
    const message = restMessage(response);
    return new errors/* TokenError */.gz('credential-refused', `Bitbucket refused the ${kind.replace('-', ' ')} (status ${response.status}${message ? `: "${message}"` : ''}).`, restRefusals[kind]);
}
function restMessage(response) {
    return (0,errors/* quoteForLog */.I5)(stringAt(readObject(response)?.['error'], 'message') ?? '');
}
function restDetail(response) {
    const error = readObject(response)?.['error'];
    const detail = isObject(error) ? error['detail'] : undefined;
    const list = (key) => {
        const value = isObject(detail) ? detail[key] : undefined;
        return Array.isArray(value) ? value.filter((item) => typeof item === 'string').map(errors/* quoteForLog */.I5) : [];
    };
    return {
        required: list('required'),
        granted: list('granted'),
        text: typeof detail === 'string' ? (0,errors/* quoteForLog */.I5)(detail) : '',
    };
}

;// CONCATENATED MODULE: ./build/bitbucket/scopes.js
const implied = {
    project: ['repository'],
    'repository:write': ['repository'],
    pullrequest: ['repository'],
    'pullrequest:write': ['pullrequest', 'repository:write'],
    'issue:write': ['issue'],
    'snippet:write': ['snippet'],
};
function splitScopes(list) {
    return [...new Set(list.split(/[\s,]+/).filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)))];
}
function withImplied(granted) {
    const all = new Set(granted);
    for (const scope of all) {
        for (const further of Object.hasOwn(implied, scope) ? (implied[scope] ?? []) : [])
            all.add(further);
    }
    return all;
}
function missingScopes(wanted, granted) {
    const covered = withImplied(granted);
    return wanted.filter((scope) => !covered.has(scope));
}

;// CONCATENATED MODULE: ./build/bitbucket/token-endpoint.js




const assumedLifetime = 3600;
async function requestToken(http, base, client, kind, form) {
    const url = new URL(`${base.href.replace(/\/$/, '')}/site/oauth2/access_token`);
    const response = await http({
        method: 'POST',
        url,
        headers: {
            authorization: (0,build_secret/* basicCredentials */.BG)(client.id, client.secret).derive((value) => `Basic ${value}`),
            'content-type': 'application/x-www-form-urlencoded',
            accept: 'application/json',
        },
        body: form,
    });
    const { status } = response;
    if (status === 200)
        return readIssuedToken(response, url);
    if (status === 401 || ((status === 400 || status === 403) && !isHtml(response))) {
        throw refusedByTokenEndpoint(response, kind);
    }
    throw unusable(response, url, 'a token');
}
function readIssuedToken(response, url) {
    const body = readObject(response);
    const accessToken = stringAt(body, 'access_token');
    const tokenType = stringAt(body, 'token_type')?.toLowerCase();
    if (accessToken === undefined || tokenType !== 'bearer' || !/^[\x21-\x7e]+$/.test(accessToken)) {
        throw unusable(response, url, 'a bearer token in JSON');
    }
    const scopes = stringAt(body, 'scope') ?? stringAt(body, 'scopes');
    const refreshToken = stringAt(body, 'refresh_token');
    const expiresIn = readSeconds(body?.['expires_in']);
    return {
        token: new build_secret/* Secret */.zh(accessToken),
        expiresIn: expiresIn ?? assumedLifetime,
        expiryIsAssumed: expiresIn === undefined,
        scopes: scopes === undefined ? undefined : splitScopes(scopes),
        refreshToken: refreshToken === undefined ? undefined : new build_secret/* Secret */.zh(refreshToken),
    };
}
function readSeconds(value) {
    const seconds = typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value;
    return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 && seconds < 1e9
        ? Math.floor(seconds)
        : undefined;
}

;// CONCATENATED MODULE: ./build/credentials/client-credentials.js



async function fromClientCredentials(given, { http, url }) {
    const client = { id: given.clientId, secret: given.clientSecret };
    const form = new build_secret/* Secret */.zh('grant_type=client_credentials');
    const issued = await requestToken(http, url, client, given.kind, form);
    return { ...bearer(given.kind, issued.token), ...issued };
}

;// CONCATENATED MODULE: ./build/credentials/refresh-token.js


async function fromRefreshToken(given, { http, url }) {
    const client = { id: given.clientId, secret: given.clientSecret };
    const form = given.refreshToken.derive((value) => new URLSearchParams({ grant_type: 'refresh_token', refresh_token: value }).toString());
    const issued = await requestToken(http, url, client, given.kind, form);
    const isNew = issued.refreshToken !== undefined && !issued.refreshToken.equals(given.refreshToken);
    return {
        ...bearer(given.kind, issued.token),
        ...issued,
        refreshToken: isNew ? issued.refreshToken : undefined,
    };
}

;// CONCATENATED MODULE: ./build/credentials/index.js




async function obtain(given, endpoints) {
    switch (given.kind) {
        case 'client-credentials':
            return fromClientCredentials(given, endpoints);
        case 'refresh-token':
            return fromRefreshToken(given, endpoints);
        case 'api-token':
            return fromApiToken(given);
        case 'access-token':
            return fromAccessToken(given);
    }
}

;// CONCATENATED MODULE: ./build/bitbucket/rest.js




async function checkCredential(http, base, token, repository) {
    const path = repository === undefined ? 'user' : `repositories/${encodeURI(repository)}`;
    const url = new URL(`${base.href.replace(/\/$/, '')}/2.0/${path}`);
    const response = await http({
        method: 'GET',
        url,
        headers: { authorization: token.authorization, accept: 'application/json' },
    });
    switch (response.status) {
        case 200:
            if (readObject(response) === undefined)
                throw unusable(response, url, 'JSON');
            return checked(response, repository === undefined ? accountIn(response) : undefined);
        case 401:
            if (repository !== undefined && /do not have access/i.test(restMessage(response))) {
                throw unreadable(response, repository);
            }
            throw refusedByRest(response, token.kind);
        case 403:
            if (readObject(response)?.['error'] === undefined && response.headers['x-oauth-scopes'] === undefined) {
                throw unusable(response, url, "Bitbucket's own answer");
            }
            if (repository !== undefined)
                throw forbidden(response, repository);
            return checked(response, undefined);
        case 404:
            if (repository !== undefined && readObject(response) !== undefined)
                throw unreadable(response, repository);
            throw unusable(response, url, 'JSON');
        default:
            throw unusable(response, url, 'JSON');
    }
}
function checked(response, account) {
    const scopes = response.headers['x-oauth-scopes'];
    const credentialType = response.headers['x-credential-type'];
    return {
        account,
        scopes: scopes === undefined ? undefined : splitScopes(scopes),
        credentialType: credentialType === undefined ? undefined : (0,errors/* quoteForLog */.I5)(credentialType),
        missing: restDetail(response).required,
    };
}
function accountIn(response) {
    const body = readObject(response);
    const name = stringAt(body, 'display_name') ?? stringAt(body, 'username') ?? stringAt(body, 'nickname');
    const account = name ?? stringAt(body, 'type');
    return account === undefined ? undefined : (0,errors/* quoteForLog */.I5)(account);
}
function forbidden(response, repository) {
    const { required, granted, text } = restDetail(response);
    if (required.length === 0)
        return unreadable(response, repository);
    const has = granted.length > 0 ? granted : splitScopes(response.headers['x-oauth-scopes'] ?? '');
    return new errors/* TokenError */.gz('scope-missing', `The credential is valid, but reading ${repository} needs ${list(required)}; it has ${list(has)}.${text && ` "${text}"`}`, 'Scopes belong to the credential: add them to the OAuth consumer, or make a new token that has them (a token’s scopes cannot be changed).');
}
function unreadable(response, repository) {
    const said = restMessage(response) || restDetail(response).text;
    return new errors/* TokenError */.gz('repository-unreadable', `The credential is valid, but it cannot read ${repository} (status ${response.status}${said && `: "${said}"`}).`, [
        'Check workspace and slug as they stand in the repository’s address.',
        'An OAuth consumer of a workspace reaches only that workspace, and a repository or project access token only its own.',
    ].join('\n'));
}
const list = (scopes) => (scopes.length === 0 ? 'none' : scopes.join(', '));

;// CONCATENATED MODULE: ./build/credentials/verify.js



async function verify(token, demands, http, apiUrl) {
    const check = mustAsk(token, demands)
        ? await checkCredential(http, apiUrl, token, demands.repository)
        : undefined;
    const scopes = token.scopes ?? check?.scopes;
    requireScopes(demands.scopes, scopes, token);
    return { check, scopes };
}
function mustAsk(token, { verify, scopes, repository }) {
    if (verify !== 'auto')
        return verify;
    const isVouchedFor = token.kind === 'client-credentials' || token.kind === 'refresh-token';
    return !isVouchedFor || repository !== undefined || (scopes.length > 0 && token.scopes === undefined);
}
function requireScopes(wanted, granted, token) {
    if (wanted.length === 0)
        return;
    if (granted === undefined) {
        throw new errors/* TokenError */.gz('scope-missing', 'Bitbucket did not say which scopes the credential has, so the ones this job needs cannot be confirmed.', 'Leave out `scopes`, or let Bitbucket be asked (verify: true).');
    }
    const missing = missingScopes(wanted, granted);
    if (missing.length === 0)
        return;
    throw new errors/* TokenError */.gz('scope-missing', `The credential lacks ${missing.join(', ')}. It has ${granted.length === 0 ? 'no scopes' : granted.join(', ')}.`, adviceFor(token, missing));
}
function adviceFor(token, missing) {
    if (token.kind === 'api-token') {
        const wrongNames = missing.filter((scope) => !scope.endsWith(':bitbucket'));
        return wrongNames.length === 0
            ? 'An API token’s scopes cannot be changed: make a new one that has them. None of them implies another, so write needs read beside it.'
            : `Scopes of API tokens have names of their own, such as read:repository:bitbucket, and imply nothing: ${wrongNames.join(', ')} cannot be one of them.`;
    }
    if (token.kind === 'access-token')
        return 'An access token’s scopes cannot be changed: make a new one that has them.';
    return 'Add them to the OAuth consumer: Workspace settings → OAuth consumers → Edit → Permissions.';
}

;// CONCATENATED MODULE: ./build/git/credentials-file.js

const credentialsFileName = 'git-credentials';
function credentialsFile(url, token) {
    return token.token.derive((value) => `${url.protocol}//${(0,build_secret/* percentEncode */.a)(token.gitUsername)}:${(0,build_secret/* percentEncode */.a)(value)}@${(0,build_secret/* percentEncode */.a)(url.host)}\n`);
}

// EXTERNAL MODULE: ./build/http/exchange.js
var exchange = __nccwpck_require__(148);
;// CONCATENATED MODULE: ./build/http/retry.js
const backoff = { first: 1_000, most: 20_000 };
function isPassing(status) {
    return status === 408 || status === 425 || status === 429 || (status >= 500 && status <= 599);
}
function delayBefore(next, retryAfter, random) {
    const window = Math.min(backoff.most, backoff.first * 2 ** (next - 2));
    return Math.round((retryAfter ?? 0) + random() * window);
}
function readRetryAfter(header, now) {
    const value = header?.trim() ?? '';
    if (/^\d+$/.test(value))
        return Number(value) * 1_000;
    if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(value))
        return undefined;
    const wait = Date.parse(value) - now;
    return Number.isNaN(wait) || wait <= 0 ? undefined : wait;
}

;// CONCATENATED MODULE: ./build/http/client.js



const shareOfOneTry = 1 / 3;
function createHttp({ timeout, retries, world, transport, onRetry }) {
    const deadline = world.elapsed() + timeout;
    const remaining = () => deadline - world.elapsed();
    return async (request) => {
        const tries = retries + 1;
        for (let number = 1;; number++) {
            const outcome = await oneTry(request, Math.min(timeout * shareOfOneTry, remaining()));
            if (!(outcome instanceof exchange/* NoAnswer */.W) && !isPassing(outcome.status))
                return outcome;
            const failed = describe(outcome, request.url);
            const giveUp = (why) => new errors/* TokenError */.gz('unreachable', `${failed} ${why}`, nextStepFor(outcome), outcome);
            if (outcome instanceof exchange/* NoAnswer */.W && !outcome.passing)
                throw giveUp('Another try would end the same.');
            if (number >= tries) {
                throw giveUp(tries === 1 ? 'Retries are off.' : `This was the last of ${tries} tries.`);
            }
            const asked = outcome instanceof exchange/* NoAnswer */.W ? undefined : readRetryAfter(outcome.headers['retry-after'], world.now());
            const wait = delayBefore(number + 1, asked, world.random);
            if (wait >= remaining()) {
                throw giveUp(asked === undefined
                    ? `The timeout of ${seconds(timeout)} leaves no time for another try.`
                    : `It asks to wait ${seconds(asked)}, longer than is left of the timeout of ${seconds(timeout)}.`);
            }
            onRetry(`${failed} Try ${number + 1} of ${tries} follows in ${seconds(wait)}.`);
            await world.sleep(wait, world.stop).catch(() => {
                throw interrupted();
            });
        }
    };
    async function oneTry(request, limit) {
        const attempt = new AbortController();
        const settled = new AbortController();
        const stopped = () => attempt.abort(interrupted());
        if (world.stop.aborted)
            stopped();
        world.stop.addEventListener('abort', stopped, { once: true });
        world.sleep(Math.max(0, limit), settled.signal).then(() => attempt.abort(new exchange/* NoAnswer */.W(`no answer within ${seconds(limit)}`, true, timeoutAdvice)), () => { });
        try {
            return await transport(request, attempt.signal);
        }
        catch (error) {
            const reason = attempt.signal.aborted ? attempt.signal.reason : error;
            if (reason instanceof exchange/* NoAnswer */.W)
                return reason;
            throw reason;
        }
        finally {
            settled.abort();
            world.stop.removeEventListener('abort', stopped);
        }
    }
}
const timeoutAdvice = 'Check that this machine reaches the address (a proxy may be needed: HTTPS_PROXY), or give a longer timeout.';
const interrupted = () => new errors/* TokenError */.gz('interrupted', 'Stopped by a signal before the work was done.', 'Run it again.');
const describe = (outcome, url) => outcome instanceof exchange/* NoAnswer */.W
    ? `${url.host}: ${outcome.message}.`
    : `${url.host} answered with status ${outcome.status}.`;
function nextStepFor(outcome) {
    if (outcome instanceof exchange/* NoAnswer */.W)
        return outcome.nextStep;
    if (outcome.status === 429) {
        return 'Bitbucket limits requests per consumer, token or user and hour: run fewer jobs at once, share one token within a job, or give a longer timeout.';
    }
    return 'See https://bitbucket.status.atlassian.com, then run the job again; a longer timeout or more retries may bridge it.';
}
const seconds = (milliseconds) => `${milliseconds >= 9_950 ? Math.round(milliseconds / 1_000) : (milliseconds / 1_000).toFixed(1)} s`;

// EXTERNAL MODULE: ./build/inputs.js
var build_inputs = __nccwpck_require__(175);
;// CONCATENATED MODULE: ./build/commands/results.js
function outputsOf({ token, scopes, expiresAt, credentialsFile }) {
    return known({
        'access-token': token.token,
        'token-type': token.tokenType,
        authorization: token.authorization,
        'expires-in': token.expiresIn?.toString(),
        'expires-at': expiresAt === undefined ? undefined : isoTime(expiresAt),
        scopes: scopes?.join(' '),
        'credential-kind': token.kind,
        'git-username': token.gitUsername,
        'git-credentials-file': credentialsFile,
    });
}
function variablesOf({ token, expiresAt, credentialsFile }, env) {
    const variables = {
        BITBUCKET_ACCESS_TOKEN: token.token,
        BITBUCKET_AUTHORIZATION: token.authorization,
        BITBUCKET_TOKEN_EXPIRES_AT: expiresAt === undefined ? undefined : isoTime(expiresAt),
        BITBUCKET_GIT_USERNAME: token.gitUsername,
        BITBUCKET_GIT_CREDENTIALS_FILE: credentialsFile,
    };
    const leftover = Object.keys(variables).filter((name) => env[name]);
    return new Map([...leftover.map((name) => [name, '']), ...known(variables)]);
}
function summaryOf({ token, check, scopes, expiresAt }, now) {
    const rows = known({
        Kind: check?.credentialType === undefined
            ? kinds[token.kind]
            : `${kinds[token.kind]} (${check.credentialType})`,
        Account: results_accountIn(check),
        Scopes: scopes === undefined ? undefined : scopes.join(', ') || 'none',
        Expires: expiresAt === undefined ? undefined : expiryInWords(expiresAt, now, token.expiryIsAssumed),
    });
    return { heading: 'Bitbucket credential', rows: [...rows] };
}
const kinds = {
    'client-credentials': 'OAuth client credentials',
    'refresh-token': 'OAuth refresh token',
    'api-token': 'API token',
    'access-token': 'access token',
};
function results_accountIn(check) {
    if (check === undefined)
        return undefined;
    if (check.account !== undefined)
        return check.account;
    return check.missing.length === 0 ? undefined : `not shown: reading it needs ${check.missing.join(', ')}`;
}
function expiryInWords(expiresAt, now, isAssumed) {
    const minutes = Math.max(0, Math.round((expiresAt - now) / 60_000));
    const hours = Math.floor(minutes / 60);
    const words = [plural(hours, 'hour'), plural(minutes % 60, 'minute')].filter(Boolean).join(' ');
    const time = isoTime(expiresAt)
        .replace('T', ' ')
        .replace(/:\d\dZ$/, ' UTC');
    return `in ${words || 'less than a minute'} (${time})${isAssumed ? '; assumed, Bitbucket did not say' : ''}`;
}
const plural = (count, unit) => count === 0 ? '' : `${count} ${unit}${count === 1 ? '' : 's'}`;
const isoTime = (time) => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
function known(values) {
    return new Map(Object.entries(values).filter((entry) => entry[1] !== undefined));
}

;// CONCATENATED MODULE: ./build/commands/acquire.js








async function acquire(run) {
    const { host, given, world } = run;
    const inputs = (0,build_inputs/* parseInputs */.TL)(given);
    const { credential, notice } = chooseCredential(inputs, inputs.grant, { ...given, whyEmpty: host.whyEmpty });
    hideGiven(inputs, run);
    if (notice !== undefined)
        host.log.warning(notice);
    sayWhereSecretsGo(inputs, run);
    try {
        const http = await openHttp(inputs, run);
        const token = await obtain(credential, { http, url: inputs.url });
        hideIssued(token, run);
        keepRefreshToken(token, host);
        const verified = await verify(token, inputs, http, inputs['api-url']);
        const acquired = {
            token,
            ...verified,
            expiresAt: token.expiresIn === undefined ? undefined : world.now() + token.expiresIn * 1_000,
            credentialsFile: inputs['git-credentials']
                ? host.writeSecretFile(credentialsFileName, credentialsFile(inputs.url, token))
                : undefined,
        };
        const howToUse = host.handOver({
            variables: inputs['export-env'] ? variablesOf(acquired, world.env) : new Map(),
            outputs: outputsOf(acquired),
        });
        const summary = summaryOf(acquired, world.now());
        host.log.info(`${summary.heading}: ${summary.rows.map((row) => row.join(' ')).join('; ')}.`);
        if (howToUse !== undefined)
            host.log.info(howToUse);
        if (inputs.summary)
            host.summarize(summary);
    }
    catch (error) {
        host.discard();
        throw error;
    }
}
function hide(secrets, { host, redactor }) {
    for (const secret of secrets)
        if (redactor.add(secret))
            host.mask(secret);
}
function hideGiven(inputs, run) {
    const users = {
        'client-secret': inputs['client-id'],
        'api-token': inputs.email,
    };
    for (const [name, user] of Object.entries(users)) {
        const secret = inputs[name];
        if (secret !== undefined && user !== undefined)
            hide((0,build_secret/* travelingForms */.g0)(secret, [user]), run);
    }
}
function hideIssued(token, run) {
    hide((0,build_secret/* travelingForms */.g0)(token.token, [token.gitUsername]), run);
    if (token.refreshToken !== undefined)
        hide((0,build_secret/* travelingForms */.g0)(token.refreshToken), run);
}
function keepRefreshToken(token, host) {
    if (token.refreshToken === undefined)
        return;
    const place = host.keep('refresh-token', token.refreshToken);
    host.log.warning([
        'Bitbucket gave a new refresh token, and the one you gave stops working in about ten minutes.',
        `The new one is ${place}: store it in place of the old one, or the next run will be refused.`,
    ].join('\n'));
}
function sayWhereSecretsGo(inputs, { host, given }) {
    for (const name of ['url', 'api-url']) {
        const usual = (0,build_inputs/* definitionOf */.Fg)(name).default ?? '';
        const { origin } = inputs[name];
        if (origin !== usual)
            host.log.info(`${given.nameOf(name)} is ${origin}, not ${usual}: secrets go there.`);
    }
}
async function openHttp(inputs, { world, host }) {
    const { send } = await __nccwpck_require__.e(/* import() */ 469).then(__nccwpck_require__.bind(__nccwpck_require__, 469));
    return createHttp({
        timeout: inputs.timeout * 1_000,
        retries: inputs.retries,
        world,
        transport: send,
        onRetry: (line) => host.log.info(line),
    });
}


/***/ }),

/***/ 473:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   A3: () => (/* binding */ reasonOf),
/* harmony export */   I5: () => (/* binding */ quoteForLog),
/* harmony export */   gz: () => (/* binding */ TokenError)
/* harmony export */ });
const exitStatusOf = {
    input: 2,
    'credential-refused': 3,
    'scope-missing': 4,
    'repository-unreadable': 4,
    unreachable: 5,
    'answer-unusable': 5,
    file: 1,
    host: 1,
    interrupted: 1,
};
class TokenError extends Error {
    code;
    nextStep;
    constructor(code, message, nextStep, cause) {
        super(message, cause === undefined ? undefined : { cause });
        this.name = 'TokenError';
        this.code = code;
        this.nextStep = nextStep;
    }
    get exitStatus() {
        return exitStatusOf[this.code];
    }
}
const quotedTextLimit = 300;
function quoteForLog(text) {
    const line = text
        .toWellFormed()
        .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
        .replace(/##(?=\w*\[)/g, '# #')
        .trim();
    return line.length > quotedTextLimit ? `${line.slice(0, quotedTextLimit)}…` : line;
}
function reasonOf(error) {
    return quoteForLog(error instanceof Error ? error.message : String(error));
}


/***/ }),

/***/ 924:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Zb: () => (/* binding */ openHost),
/* harmony export */   k3: () => (/* binding */ detectHost),
/* harmony export */   n3: () => (/* binding */ hostNames)
/* harmony export */ });
const hostNames = ['github', 'gitea', 'pipelines', 'shell'];
const detection = [
    ['gitea', (env) => Boolean(env['GITEA_ACTIONS'] || env['FORGEJO_ACTIONS'])],
    ['github', (env) => Boolean(env['GITHUB_ACTIONS'])],
    ['pipelines', (env) => Boolean(env['BITBUCKET_PIPELINE_UUID'] || env['BITBUCKET_BUILD_NUMBER'])],
];
function detectHost(env) {
    return detection.find(([, isIt]) => isIt(env))?.[0] ?? 'shell';
}
async function openHost(name, world, { outputDir, debug }) {
    switch (name) {
        case 'github':
        case 'gitea':
            return (await __nccwpck_require__.e(/* import() */ 9).then(__nccwpck_require__.bind(__nccwpck_require__, 9))).github(world, debug);
        case 'pipelines':
            return (await __nccwpck_require__.e(/* import() */ 107).then(__nccwpck_require__.bind(__nccwpck_require__, 107))).pipelines(world, outputDir, debug);
        case 'shell':
            return (await __nccwpck_require__.e(/* import() */ 78).then(__nccwpck_require__.bind(__nccwpck_require__, 78))).shell(world, outputDir, debug);
    }
}


/***/ }),

/***/ 711:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   L: () => (/* binding */ plainLog)
/* harmony export */ });
function plainLog({ stderr }, debug) {
    const line = (prefix) => (text) => stderr(`${prefix}${text}\n`);
    return {
        info: line(''),
        warning: line('warning: '),
        error: line('error: '),
        debug: debug ? line('debug: ') : () => { },
    };
}


/***/ }),

/***/ 148:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   W: () => (/* binding */ NoAnswer)
/* harmony export */ });
class NoAnswer extends Error {
    passing;
    nextStep;
    constructor(message, passing, nextStep, cause) {
        super(message, { cause });
        this.passing = passing;
        this.nextStep = nextStep;
    }
}


/***/ }),

/***/ 175:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $P: () => (/* binding */ givenToAction),
/* harmony export */   BN: () => (/* binding */ givenSecrets),
/* harmony export */   Fg: () => (/* binding */ definitionOf),
/* harmony export */   Qn: () => (/* binding */ variableOf),
/* harmony export */   TL: () => (/* binding */ parseInputs),
/* harmony export */   i8: () => (/* binding */ givenByVariables),
/* harmony export */   ve: () => (/* binding */ isAction),
/* harmony export */   vj: () => (/* binding */ inputNames)
/* harmony export */ });
/* unused harmony export inputTable */
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(473);
/* harmony import */ var _hosts_index_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(924);
/* harmony import */ var _secret_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(714);



const inputTable = {
    'client-id': { type: 'text', help: "The OAuth consumer's key." },
    'client-secret': { type: 'text', secret: true, help: "The OAuth consumer's secret." },
    'refresh-token': {
        type: 'text',
        secret: true,
        help: 'A refresh token of that consumer; turns the OAuth grant into the refresh grant.',
    },
    email: { type: 'text', help: "The e-mail address of the API token's Atlassian account." },
    'api-token': { type: 'text', secret: true, help: 'An Atlassian API token with Bitbucket scopes.' },
    'access-token': {
        type: 'text',
        secret: true,
        help: 'A repository, project or workspace access token.',
    },
    grant: {
        type: 'choice',
        default: 'auto',
        values: ['auto', 'client-credentials', 'refresh-token', 'api-token', 'access-token'],
        help: 'Which credential to use: `client-credentials`, `refresh-token`, `api-token`, `access-token`, or `auto` to infer it from what is given.',
    },
    scopes: {
        type: 'list',
        help: 'Scopes the job needs, separated by spaces, commas or lines; the step fails when one is not granted.',
    },
    repository: { type: 'repository', help: '`workspace/slug` that the credential must be able to read.' },
    verify: {
        type: 'choice',
        default: 'auto',
        values: ['auto', 'true', 'false'],
        help: 'Ask Bitbucket whether the credential works; `auto` asks where no token endpoint has just vouched for it.',
    },
    'export-env': {
        type: 'boolean',
        default: 'true',
        help: 'Export `BITBUCKET_ACCESS_TOKEN` and its companions to later steps.',
    },
    'git-credentials': { type: 'boolean', default: 'true', help: 'Write the git-credentials file.' },
    'output-dir': {
        type: 'text',
        help: 'Directory for `env.sh` and `git-credentials` on hosts without a private temporary directory; `.bitbucket-token` in the clone or working directory unless given.',
    },
    url: {
        type: 'url',
        default: 'https://bitbucket.org',
        help: 'Where Bitbucket serves OAuth and git.',
    },
    'api-url': {
        type: 'url',
        default: 'https://api.bitbucket.org',
        help: 'Where Bitbucket serves its REST API.',
    },
    timeout: {
        type: 'number',
        default: '60',
        range: [1, 3600],
        help: 'Seconds for everything together.',
    },
    retries: { type: 'number', default: '4', range: [0, 20], help: 'Further tries after the first.' },
    summary: { type: 'boolean', default: 'true', help: 'Write a job summary, where the host has one.' },
    ci: {
        type: 'choice',
        default: 'auto',
        values: ['auto', ..._hosts_index_js__WEBPACK_IMPORTED_MODULE_1__/* .hostNames */ .n3],
        help: `Name of the host, where it cannot be seen (\`docker run\`): ${_hosts_index_js__WEBPACK_IMPORTED_MODULE_1__/* .hostNames */ .n3.map((name) => `\`${name}\``).join(', ')}.`,
    },
    debug: {
        type: 'boolean',
        default: 'false',
        help: 'Say more; never a header, a body or a secret.',
    },
};
const inputNames = Object.keys(inputTable);
const definitionOf = (name) => inputTable[name];
const variableOf = (name) => `BITBUCKET_${name.toUpperCase().replaceAll('-', '_')}`;
function givenToAction(env) {
    const values = new Map();
    for (const name of inputNames) {
        const value = env[`INPUT_${name.toUpperCase()}`];
        if (value !== undefined)
            values.set(name, value);
    }
    return { from: 'action', values, nameOf: (input) => input };
}
function givenByVariables(env, flags) {
    const values = new Map();
    for (const name of inputNames) {
        const variable = variableOf(name);
        const value = flags.get(name) ?? env[variable] ?? arrayVariable(env, name);
        if (value !== undefined && value.trim() !== `$${variable}`)
            values.set(name, value);
    }
    return {
        from: 'variables',
        values,
        nameOf: (input) => (flags.has(input) ? `--${input}` : variableOf(input)),
    };
}
function arrayVariable(env, name) {
    const variable = variableOf(name);
    const count = env[`${variable}_COUNT`];
    if (definitionOf(name).type !== 'list' || count === undefined || !/^\d{1,3}$/.test(count))
        return undefined;
    return Array.from({ length: Number(count) }, (_, index) => env[`${variable}_${index}`] ?? '').join('\n');
}
function isAction(env) {
    const onRunner = Boolean(env['GITHUB_ACTIONS'] || env['GITEA_ACTIONS']);
    return onRunner && Object.keys(env).some((name) => name.startsWith('INPUT_'));
}
function givenSecrets(given) {
    return inputNames
        .filter((name) => definitionOf(name).secret)
        .flatMap((name) => given.values.get(name) ?? [])
        .flatMap((value) => [value, value.trim()])
        .filter((value, index, all) => value !== '' && all.indexOf(value) === index)
        .map((value) => new _secret_js__WEBPACK_IMPORTED_MODULE_2__/* .Secret */ .zh(value));
}
function parseInputs(given) {
    const text = (name) => readText(name, given);
    const secret = (name) => {
        const value = text(name);
        return value === undefined ? undefined : new _secret_js__WEBPACK_IMPORTED_MODULE_2__/* .Secret */ .zh(value);
    };
    const email = text('email');
    if (email !== undefined && !/^[^\s@:]+@[^\s@:]+$/.test(email)) {
        throw invalid(`${given.nameOf('email')} is not an e-mail address.`, 'Bitbucket wants the e-mail address of the Atlassian account, not its user name, with an API token.');
    }
    const clientId = text('client-id');
    if (clientId?.includes(':')) {
        throw invalid(`${given.nameOf('client-id')} contains a colon.`, 'Give the key alone, without the secret: HTTP Basic separates the two by a colon.');
    }
    const verify = readChoice('verify', given);
    const repository = readRepository(given);
    if (repository !== undefined && verify === 'false') {
        throw invalid(`${given.nameOf('repository')} asks for a check that ${given.nameOf('verify')} forbids.`, 'Remove one of the two.');
    }
    return {
        'client-id': clientId,
        'client-secret': secret('client-secret'),
        'refresh-token': secret('refresh-token'),
        email,
        'api-token': secret('api-token'),
        'access-token': secret('access-token'),
        grant: readChoice('grant', given),
        scopes: readScopes(given),
        repository,
        verify: verify === 'auto' ? 'auto' : verify === 'true',
        'export-env': readBoolean('export-env', given),
        'git-credentials': readBoolean('git-credentials', given),
        'output-dir': text('output-dir'),
        url: readUrl('url', given),
        'api-url': readUrl('api-url', given),
        timeout: readNumber('timeout', given),
        retries: readNumber('retries', given),
        summary: readBoolean('summary', given),
        ci: readChoice('ci', given),
        debug: readBoolean('debug', given),
    };
}
const invalid = (message, nextStep) => new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .TokenError */ .gz('input', message, nextStep);
const placeholder = /\$\{\{|^\$\{?[A-Za-z_]\w*\}?$|^\$\([\w.]+\)$|^%[A-Za-z_]\w*%$|^<[^<>]*>$/;
function readText(name, given) {
    const value = given.values.get(name)?.trim();
    if (value === undefined || value === '')
        return undefined;
    const what = given.nameOf(name);
    if (placeholder.test(value)) {
        throw invalid(`${what} holds a placeholder, not a value.`, 'The variable or secret that it names does not exist here, or the CI did not replace it: check its name, and that this job may use it.');
    }
    if (/^(["'`]).*\1$/s.test(value)) {
        throw invalid(`${what} has quotes around it.`, 'Store the value without quotes.');
    }
    if (/[\r\n]/.test(value)) {
        throw invalid(`${what} has more than one line.`, 'Store the value as one line: copy it again, without the line break.');
    }
    if (name === 'access-token' && /[^\x20-\x7e]/.test(value)) {
        throw invalid(`${what} contains a character that no HTTP header can carry.`, 'Copy the value again: an access token is plain ASCII.');
    }
    if (/\p{Cc}/u.test(value)) {
        throw invalid(`${what} contains a control character.`, 'Copy the value again: something invisible came along.');
    }
    if (definitionOf(name).secret && value.startsWith('ATBB')) {
        throw invalid(`${what} is an app password.`, 'Bitbucket removed app passwords on 2026-07-28. Make an API token (with its e-mail), an access token or an OAuth consumer instead.');
    }
    return value;
}
function readOrDefault(name, given) {
    return readText(name, given) ?? definitionOf(name).default ?? '';
}
function readChoice(name, given) {
    const value = readOrDefault(name, given).toLowerCase();
    const values = definitionOf(name).values ?? [];
    if (!values.includes(value)) {
        throw invalid(`${given.nameOf(name)} is not one of its values.`, `Use one of: ${values.join(', ')}.`);
    }
    return value;
}
function readBoolean(name, given) {
    const value = readOrDefault(name, given).toLowerCase();
    if (['true', 'yes', 'on', '1'].includes(value))
        return true;
    if (['false', 'no', 'off', '0'].includes(value))
        return false;
    throw invalid(`${given.nameOf(name)} is neither true nor false.`, 'Use true or false.');
}
function readNumber(name, given) {
    const value = readOrDefault(name, given);
    const [least, most] = definitionOf(name).range ?? [0, Number.MAX_SAFE_INTEGER];
    if (!/^\d{1,9}$/.test(value) || Number(value) < least || Number(value) > most) {
        throw invalid(`${given.nameOf(name)} is not a whole number that fits.`, `Use a number from ${least} to ${most}.`);
    }
    return Number(value);
}
function readScopes(given) {
    const scopes = (given.values.get('scopes') ?? '').split(/[\s,]+/).filter(Boolean);
    if (scopes.some((scope) => !/^[a-z][a-z0-9-]*(:[a-z0-9-]+)*$/i.test(scope))) {
        throw invalid(`${given.nameOf('scopes')} holds something that is not a scope.`, 'Write scopes as Bitbucket names them, for example: repository:write pullrequest, or read:repository:bitbucket for an API token.');
    }
    return [...new Set(scopes)];
}
function readRepository(given) {
    const value = readText('repository', given);
    if (value !== undefined && !/^(?!\.{1,2}\/)[\w.{}-]+\/(?!\.{1,2}$)[\w.{}-]+$/.test(value)) {
        throw invalid(`${given.nameOf('repository')} is not of the form workspace/slug.`, 'Take the two parts behind bitbucket.org/ in the repository’s address, for example acme/website.');
    }
    return value;
}
function readUrl(name, given) {
    const what = given.nameOf(name);
    const value = readOrDefault(name, given);
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !['https:', 'http:'].includes(url.protocol)) {
        throw invalid(`${what} is not a web address.`, `The default is ${definitionOf(name).default}.`);
    }
    if (url.username !== '' || url.password !== '') {
        throw invalid(`${what} contains a user name or password.`, 'Give credentials through their own inputs, never in an address.');
    }
    if (url.search !== '' || url.hash !== '') {
        throw invalid(`${what} has a query or fragment.`, `Give the address only, such as ${definitionOf(name).default}.`);
    }
    if (url.protocol === 'http:' && !isLoopback(url)) {
        throw invalid(`${what} is not encrypted.`, 'Use https: a secret would cross the network in the clear. (Plain http is for loopback only.)');
    }
    url.pathname = url.pathname.replace(/\/+$/, '');
    return url;
}
const isLoopback = (url) => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);


/***/ }),

/***/ 479:
/***/ ((__webpack_module__, __unused_webpack___webpack_exports__, __nccwpck_require__) => {

__nccwpck_require__.a(__webpack_module__, async (__webpack_handle_async_dependencies__, __webpack_async_result__) => { try {
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(161);
/* harmony import */ var _command_line_js__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(92);
/* harmony import */ var _commands_acquire_js__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(808);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(473);
/* harmony import */ var _hosts_index_js__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(924);
/* harmony import */ var _hosts_plain_log_js__WEBPACK_IMPORTED_MODULE_8__ = __nccwpck_require__(711);
/* harmony import */ var _inputs_js__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(175);
/* harmony import */ var _secret_js__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(714);
/* harmony import */ var _world_js__WEBPACK_IMPORTED_MODULE_7__ = __nccwpck_require__(920);









let isDone = false;
process.once('exit', () => {
    if (isDone)
        return;
    process.exitCode = 1;
    process.stderr.write('error: bitbucket-token ended before its work was done.\n');
});
process.once('uncaughtException', (error) => {
    isDone = true;
    process.stderr.write(`error: bitbucket-token failed: ${error.name}.\n`);
    process.exit(1);
});
const stop = new AbortController();
let stoppedBy;
for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
        stoppedBy = signal;
        stop.abort();
    });
}
const status = await main((0,_world_js__WEBPACK_IMPORTED_MODULE_7__/* .processWorld */ .m)(process, stop.signal), process.argv.slice(2));
isDone = true;
process.exitCode = status === 0 || stoppedBy === undefined ? status : 128 + node_os__WEBPACK_IMPORTED_MODULE_0__.constants.signals[stoppedBy];
setTimeout(() => process.exit(), 200).unref();
async function main(world, args) {
    const asAction = (0,_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .isAction */ .ve)(world.env);
    if (asAction) {
        const runner = await __nccwpck_require__.e(/* import() */ 9).then(__nccwpck_require__.bind(__nccwpck_require__, 9));
        if (runner.isPost(world.env))
            return runner.cleanUp(world);
        runner.rememberMain(world);
        return withHost((0,_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .givenToAction */ .$P)(world.env), world);
    }
    try {
        const { verb, flags, command } = (0,_command_line_js__WEBPACK_IMPORTED_MODULE_1__/* .parseCommandLine */ .D)(args);
        switch (verb) {
            case 'help':
                world.stdout((await __nccwpck_require__.e(/* import() */ 12).then(__nccwpck_require__.bind(__nccwpck_require__, 12))).helpText());
                return 0;
            case 'version':
                world.stdout(`${(await __nccwpck_require__.e(/* import() */ 508).then(__nccwpck_require__.bind(__nccwpck_require__, 508))).version}\n`);
                return 0;
            case 'sandbox':
                return await (await __nccwpck_require__.e(/* import() */ 359).then(__nccwpck_require__.bind(__nccwpck_require__, 359))).sandbox(world, command);
            case 'acquire':
                return await withHost((0,_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .givenByVariables */ .i8)(world.env, flags), world);
        }
    }
    catch (error) {
        return report(error, (0,_hosts_plain_log_js__WEBPACK_IMPORTED_MODULE_8__/* .plainLog */ .L)(world, false), false);
    }
}
async function withHost(given, world) {
    const ci = _hosts_index_js__WEBPACK_IMPORTED_MODULE_4__/* .hostNames */ .n3.find((name) => name === given.values.get('ci')?.trim()) ?? (0,_hosts_index_js__WEBPACK_IMPORTED_MODULE_4__/* .detectHost */ .k3)(world.env);
    const debug = given.values.get('debug')?.trim() === 'true';
    const host = await (0,_hosts_index_js__WEBPACK_IMPORTED_MODULE_4__/* .openHost */ .Zb)(ci, world, {
        outputDir: given.values.get('output-dir')?.trim() || undefined,
        debug,
    });
    const redactor = new _secret_js__WEBPACK_IMPORTED_MODULE_6__/* .Redactor */ .pO();
    const run = { world, given, redactor, host: { ...host, log: redacted(host.log, redactor) } };
    try {
        (0,_commands_acquire_js__WEBPACK_IMPORTED_MODULE_2__/* .hide */ .j)((0,_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .givenSecrets */ .BN)(given).flatMap((secret) => (0,_secret_js__WEBPACK_IMPORTED_MODULE_6__/* .travelingForms */ .g0)(secret)), run);
        await (0,_commands_acquire_js__WEBPACK_IMPORTED_MODULE_2__/* .acquire */ .X)(run);
        return 0;
    }
    catch (error) {
        return report(error, run.host.log, debug);
    }
}
function redacted(log, redactor) {
    const through = (say) => (text) => say(redactor.clean(text));
    return {
        info: through(log.info),
        warning: through(log.warning),
        error: through(log.error),
        debug: through(log.debug),
    };
}
function report(error, log, debug) {
    if (error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_3__/* .TokenError */ .gz)
        log.error(`${error.message}\n${error.nextStep}`);
    else
        log.error(`Something unexpected failed: ${(0,_errors_js__WEBPACK_IMPORTED_MODULE_3__/* .reasonOf */ .A3)(error)}\nPlease report it, with the output of debug: true.`);
    if (debug && error instanceof Error)
        log.debug(error.stack ?? '');
    return error instanceof _errors_js__WEBPACK_IMPORTED_MODULE_3__/* .TokenError */ .gz ? error.exitStatus : 1;
}

__webpack_async_result__();
} catch(e) { __webpack_async_result__(e); } }, 1);

/***/ }),

/***/ 714:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   BG: () => (/* binding */ basicCredentials),
/* harmony export */   a: () => (/* binding */ percentEncode),
/* harmony export */   g0: () => (/* binding */ travelingForms),
/* harmony export */   pO: () => (/* binding */ Redactor),
/* harmony export */   zh: () => (/* binding */ Secret)
/* harmony export */ });
class Secret {
    #value;
    constructor(value) {
        this.#value = value;
    }
    reveal() {
        return this.#value;
    }
    derive(make) {
        return new Secret(make(this.#value));
    }
    equals(other) {
        return this.#value === other.#value;
    }
    startsWith(prefix) {
        return this.#value.startsWith(prefix);
    }
    toString() {
        return '***';
    }
    toJSON() {
        return '***';
    }
    [Symbol.for('nodejs.util.inspect.custom')]() {
        return '***';
    }
}
function percentEncode(value) {
    return encodeURIComponent(value.toWellFormed()).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
function basicCredentials(user, secret) {
    return secret.derive((value) => Buffer.from(`${user}:${value}`, 'utf8').toString('base64'));
}
function travelingForms(secret, basicUsers = []) {
    const forms = [
        secret,
        secret.derive(percentEncode),
        secret.derive((value) => new URLSearchParams({ v: value }).toString().slice(2)),
        ...basicUsers.map((user) => basicCredentials(user, secret)),
    ];
    return forms.filter((form, index) => forms.findIndex((other) => other.equals(form)) === index);
}
class Redactor {
    #known = new Set();
    add(secret) {
        const value = secret.reveal();
        if (value === '' || this.#known.has(value))
            return false;
        this.#known.add(value);
        return true;
    }
    clean(text) {
        const longestFirst = [...this.#known].sort((a, b) => b.length - a.length);
        return longestFirst.reduce((cleaned, value) => cleaned.replaceAll(value, '***'), text);
    }
}


/***/ }),

/***/ 920:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   m: () => (/* binding */ processWorld)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(24);

function processWorld(process, stop) {
    return {
        env: process.env,
        cwd: process.cwd(),
        stdout: (text) => writeNow(1, text),
        stderr: (text) => writeNow(2, text),
        now: Date.now,
        elapsed: () => performance.now(),
        sleep: (milliseconds, signal) => new Promise((resolve, reject) => {
            const onAbort = () => {
                clearTimeout(timer);
                reject(signal.reason);
            };
            const timer = setTimeout(() => {
                signal.removeEventListener('abort', onAbort);
                resolve();
            }, milliseconds);
            if (signal.aborted)
                onAbort();
            else
                signal.addEventListener('abort', onAbort, { once: true });
        }),
        random: Math.random,
        uniqueName: () => crypto.randomUUID(),
        stop,
    };
}
function writeNow(file, text) {
    let rest = Buffer.from(text, 'utf8');
    while (rest.length > 0) {
        try {
            rest = rest.subarray((0,node_fs__WEBPACK_IMPORTED_MODULE_0__.writeSync)(file, rest));
        }
        catch (error) {
            if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN'))
                throw error;
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
        }
    }
}


/***/ })

/******/ });
/************************************************************************/
/******/ // The module cache
/******/ var __webpack_module_cache__ = {};
/******/ 
/******/ // The require function
/******/ function __nccwpck_require__(moduleId) {
/******/ 	// Check if module is in cache
/******/ 	var cachedModule = __webpack_module_cache__[moduleId];
/******/ 	if (cachedModule !== undefined) {
/******/ 		return cachedModule.exports;
/******/ 	}
/******/ 	// Create a new module (and put it into the cache)
/******/ 	var module = __webpack_module_cache__[moduleId] = {
/******/ 		// no module.id needed
/******/ 		// no module.loaded needed
/******/ 		exports: {}
/******/ 	};
/******/ 
/******/ 	// Execute the module function
/******/ 	var threw = true;
/******/ 	try {
/******/ 		__webpack_modules__[moduleId](module, module.exports, __nccwpck_require__);
/******/ 		threw = false;
/******/ 	} finally {
/******/ 		if(threw) delete __webpack_module_cache__[moduleId];
/******/ 	}
/******/ 
/******/ 	// Return the exports of the module
/******/ 	return module.exports;
/******/ }
/******/ 
/******/ // expose the modules object (__webpack_modules__)
/******/ __nccwpck_require__.m = __webpack_modules__;
/******/ 
/************************************************************************/
/******/ /* webpack/runtime/asset-relocator-loader */
/******/ if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = decodeURIComponent(new URL('.', import.meta.url).pathname).slice(import.meta.url.match(/^file:\/\/\/\w:/) ? 1 : 0, -1) + "/";
/******/ 
/******/ /* webpack/runtime/async module */
/******/ (() => {
/******/ 	var webpackQueues = typeof Symbol === "function" ? Symbol("webpack queues") : "__webpack_queues__";
/******/ 	var webpackExports = typeof Symbol === "function" ? Symbol("webpack exports") : "__webpack_exports__";
/******/ 	var webpackError = typeof Symbol === "function" ? Symbol("webpack error") : "__webpack_error__";
/******/ 	var resolveQueue = (queue) => {
/******/ 		if(queue && queue.d < 1) {
/******/ 			queue.d = 1;
/******/ 			queue.forEach((fn) => (fn.r--));
/******/ 			queue.forEach((fn) => (fn.r-- ? fn.r++ : fn()));
/******/ 		}
/******/ 	}
/******/ 	var wrapDeps = (deps) => (deps.map((dep) => {
/******/ 		if(dep !== null && typeof dep === "object") {
/******/ 			if(dep[webpackQueues]) return dep;
/******/ 			if(dep.then) {
/******/ 				var queue = [];
/******/ 				queue.d = 0;
/******/ 				dep.then((r) => {
/******/ 					obj[webpackExports] = r;
/******/ 					resolveQueue(queue);
/******/ 				}, (e) => {
/******/ 					obj[webpackError] = e;
/******/ 					resolveQueue(queue);
/******/ 				});
/******/ 				var obj = {};
/******/ 				obj[webpackQueues] = (fn) => (fn(queue));
/******/ 				return obj;
/******/ 			}
/******/ 		}
/******/ 		var ret = {};
/******/ 		ret[webpackQueues] = x => {};
/******/ 		ret[webpackExports] = dep;
/******/ 		return ret;
/******/ 	}));
/******/ 	__nccwpck_require__.a = (module, body, hasAwait) => {
/******/ 		var queue;
/******/ 		hasAwait && ((queue = []).d = -1);
/******/ 		var depQueues = new Set();
/******/ 		var exports = module.exports;
/******/ 		var currentDeps;
/******/ 		var outerResolve;
/******/ 		var reject;
/******/ 		var promise = new Promise((resolve, rej) => {
/******/ 			reject = rej;
/******/ 			outerResolve = resolve;
/******/ 		});
/******/ 		promise[webpackExports] = exports;
/******/ 		promise[webpackQueues] = (fn) => (queue && fn(queue), depQueues.forEach(fn), promise["catch"](x => {}));
/******/ 		module.exports = promise;
/******/ 		body((deps) => {
/******/ 			currentDeps = wrapDeps(deps);
/******/ 			var fn;
/******/ 			var getResult = () => (currentDeps.map((d) => {
/******/ 				if(d[webpackError]) throw d[webpackError];
/******/ 				return d[webpackExports];
/******/ 			}))
/******/ 			var promise = new Promise((resolve) => {
/******/ 				fn = () => (resolve(getResult));
/******/ 				fn.r = 0;
/******/ 				var fnQueue = (q) => (q !== queue && !depQueues.has(q) && (depQueues.add(q), q && !q.d && (fn.r++, q.push(fn))));
/******/ 				currentDeps.map((dep) => (dep[webpackQueues](fnQueue)));
/******/ 			});
/******/ 			return fn.r ? promise : getResult();
/******/ 		}, (err) => ((err ? reject(promise[webpackError] = err) : outerResolve(exports)), resolveQueue(queue)));
/******/ 		queue && queue.d < 0 && (queue.d = 0);
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/create fake namespace object */
/******/ (() => {
/******/ 	var getProto = Object.getPrototypeOf ? (obj) => (Object.getPrototypeOf(obj)) : (obj) => (obj.__proto__);
/******/ 	var leafPrototypes;
/******/ 	// create a fake namespace object
/******/ 	// mode & 1: value is a module id, require it
/******/ 	// mode & 2: merge all properties of value into the ns
/******/ 	// mode & 4: return value when already ns object
/******/ 	// mode & 16: return value when it's Promise-like
/******/ 	// mode & 8|1: behave like require
/******/ 	__nccwpck_require__.t = function(value, mode) {
/******/ 		if(mode & 1) value = this(value);
/******/ 		if(mode & 8) return value;
/******/ 		if(typeof value === 'object' && value) {
/******/ 			if((mode & 4) && value.__esModule) return value;
/******/ 			if((mode & 16) && typeof value.then === 'function') return value;
/******/ 		}
/******/ 		var ns = Object.create(null);
/******/ 		__nccwpck_require__.r(ns);
/******/ 		var def = {};
/******/ 		leafPrototypes = leafPrototypes || [null, getProto({}), getProto([]), getProto(getProto)];
/******/ 		for(var current = mode & 2 && value; typeof current == 'object' && !~leafPrototypes.indexOf(current); current = getProto(current)) {
/******/ 			Object.getOwnPropertyNames(current).forEach((key) => (def[key] = () => (value[key])));
/******/ 		}
/******/ 		def['default'] = () => (value);
/******/ 		__nccwpck_require__.d(ns, def);
/******/ 		return ns;
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/define property getters */
/******/ (() => {
/******/ 	// define getter functions for harmony exports
/******/ 	__nccwpck_require__.d = (exports, definition) => {
/******/ 		for(var key in definition) {
/******/ 			if(__nccwpck_require__.o(definition, key) && !__nccwpck_require__.o(exports, key)) {
/******/ 				Object.defineProperty(exports, key, { enumerable: true, get: definition[key] });
/******/ 			}
/******/ 		}
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/ensure chunk */
/******/ (() => {
/******/ 	__nccwpck_require__.f = {};
/******/ 	// This file contains only the entry chunk.
/******/ 	// The chunk loading function for additional chunks
/******/ 	__nccwpck_require__.e = (chunkId) => {
/******/ 		return Promise.all(Object.keys(__nccwpck_require__.f).reduce((promises, key) => {
/******/ 			__nccwpck_require__.f[key](chunkId, promises);
/******/ 			return promises;
/******/ 		}, []));
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/get javascript chunk filename */
/******/ (() => {
/******/ 	// This function allow to reference async chunks
/******/ 	__nccwpck_require__.u = (chunkId) => {
/******/ 		// return url for filenames based on template
/******/ 		return "" + chunkId + ".index.js";
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/hasOwnProperty shorthand */
/******/ (() => {
/******/ 	__nccwpck_require__.o = (obj, prop) => (Object.prototype.hasOwnProperty.call(obj, prop))
/******/ })();
/******/ 
/******/ /* webpack/runtime/make namespace object */
/******/ (() => {
/******/ 	// define __esModule on exports
/******/ 	__nccwpck_require__.r = (exports) => {
/******/ 		if(typeof Symbol !== 'undefined' && Symbol.toStringTag) {
/******/ 			Object.defineProperty(exports, Symbol.toStringTag, { value: 'Module' });
/******/ 		}
/******/ 		Object.defineProperty(exports, '__esModule', { value: true });
/******/ 	};
/******/ })();
/******/ 
/******/ /* webpack/runtime/import chunk loading */
/******/ (() => {
/******/ 	// no baseURI
/******/ 	
/******/ 	// object to store loaded and loading chunks
/******/ 	// undefined = chunk not loaded, null = chunk preloaded/prefetched
/******/ 	// [resolve, Promise] = chunk loading, 0 = chunk loaded
/******/ 	var installedChunks = {
/******/ 		792: 0
/******/ 	};
/******/ 	
/******/ 	var installChunk = (data) => {
/******/ 		var {ids, modules, runtime} = data;
/******/ 		// add "modules" to the modules object,
/******/ 		// then flag all "ids" as loaded and fire callback
/******/ 		var moduleId, chunkId, i = 0;
/******/ 		for(moduleId in modules) {
/******/ 			if(__nccwpck_require__.o(modules, moduleId)) {
/******/ 				__nccwpck_require__.m[moduleId] = modules[moduleId];
/******/ 			}
/******/ 		}
/******/ 		if(runtime) runtime(__nccwpck_require__);
/******/ 		for(;i < ids.length; i++) {
/******/ 			chunkId = ids[i];
/******/ 			if(__nccwpck_require__.o(installedChunks, chunkId) && installedChunks[chunkId]) {
/******/ 				installedChunks[chunkId][0]();
/******/ 			}
/******/ 			installedChunks[ids[i]] = 0;
/******/ 		}
/******/ 	
/******/ 	}
/******/ 	
/******/ 	__nccwpck_require__.f.j = (chunkId, promises) => {
/******/ 			// import() chunk loading for javascript
/******/ 			var installedChunkData = __nccwpck_require__.o(installedChunks, chunkId) ? installedChunks[chunkId] : undefined;
/******/ 			if(installedChunkData !== 0) { // 0 means "already installed".
/******/ 	
/******/ 				// a Promise means "currently loading".
/******/ 				if(installedChunkData) {
/******/ 					promises.push(installedChunkData[1]);
/******/ 				} else {
/******/ 					if(true) { // all chunks have JS
/******/ 						// setup Promise in chunk cache
/******/ 						var promise = import("./" + __nccwpck_require__.u(chunkId)).then(installChunk, (e) => {
/******/ 							if(installedChunks[chunkId] !== 0) installedChunks[chunkId] = undefined;
/******/ 							throw e;
/******/ 						});
/******/ 						var promise = Promise.race([promise, new Promise((resolve) => (installedChunkData = installedChunks[chunkId] = [resolve]))])
/******/ 						promises.push(installedChunkData[1] = promise);
/******/ 					}
/******/ 				}
/******/ 			}
/******/ 	};
/******/ 	
/******/ 	// no prefetching
/******/ 	
/******/ 	// no preloaded
/******/ 	
/******/ 	// no external install chunk
/******/ 	
/******/ 	// no on chunks loaded
/******/ })();
/******/ 
/************************************************************************/
/******/ 
/******/ // startup
/******/ // Load entry module and return exports
/******/ // This entry module used 'module' so it can't be inlined
/******/ var __webpack_exports__ = __nccwpck_require__(479);
/******/ __webpack_exports__ = await __webpack_exports__;
/******/ 
