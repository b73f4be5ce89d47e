export const id = 9;
export const ids = [9];
export const modules = {

/***/ 9:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   cleanUp: () => (/* binding */ cleanUp),
/* harmony export */   github: () => (/* binding */ github),
/* harmony export */   isPost: () => (/* binding */ isPost),
/* harmony export */   rememberMain: () => (/* binding */ rememberMain)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(24);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(760);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(473);
/* harmony import */ var _secret_file_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(293);
/* harmony import */ var _host_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(984);





function github(world, debug) {
    let directory;
    return {
        log: workflowLog(world, debug),
        whyEmpty: 'On GitHub a secret is empty where it does not exist under that name, in workflows that a fork or Dependabot started (they get no repository secrets), and in a reusable workflow without `secrets: inherit`.',
        mask(secret) {
            world.stdout(command('add-mask', secret.reveal()));
        },
        keep(name, secret) {
            append(world, 'GITHUB_OUTPUT', new Map([[name, secret]]));
            return `the output ${name} of this step`;
        },
        writeSecretFile(name, content) {
            if (directory === undefined) {
                const path = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(required(world, 'RUNNER_TEMP'), `${directoryPrefix}${world.uniqueName()}`);
                remember(world, 'directory', path);
                (0,_secret_file_js__WEBPACK_IMPORTED_MODULE_3__/* .makePrivateDirectory */ .Dn)(path);
                directory = path;
            }
            return (0,_secret_file_js__WEBPACK_IMPORTED_MODULE_3__/* .writeSecretFile */ .AK)(directory, name, content);
        },
        handOver({ variables, outputs }) {
            append(world, 'GITHUB_ENV', variables);
            append(world, 'GITHUB_OUTPUT', outputs);
            return undefined;
        },
        summarize(summary) {
            const file = world.env['GITHUB_STEP_SUMMARY'];
            if (file)
                (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.appendFileSync)(file, markdown(summary));
        },
        discard() {
            if (directory !== undefined)
                (0,_secret_file_js__WEBPACK_IMPORTED_MODULE_3__/* .removePrivateDirectory */ .th)(directory);
        },
    };
}
function rememberMain(world) {
    remember(world, 'isPost', 'true');
}
const isPost = (env) => env['STATE_isPost'] === 'true';
function cleanUp(world) {
    const log = workflowLog(world, false);
    const directory = world.env['STATE_directory'];
    if (!directory)
        return 0;
    const isOurs = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.dirname)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.resolve)(directory)) === (0,node_path__WEBPACK_IMPORTED_MODULE_1__.resolve)(world.env['RUNNER_TEMP'] ?? '') &&
        (0,node_path__WEBPACK_IMPORTED_MODULE_1__.basename)(directory).startsWith(directoryPrefix);
    try {
        if (!isOurs)
            throw new Error(`${directory} is not a directory that this action makes`);
        (0,_secret_file_js__WEBPACK_IMPORTED_MODULE_3__/* .removePrivateDirectory */ .th)(directory);
        log.info('The git-credentials file was removed.');
    }
    catch (error) {
        log.warning(`The git-credentials file was not removed: ${(0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .reasonOf */ .A3)(error)}`);
    }
    return 0;
}
const directoryPrefix = 'bitbucket-token-';
function workflowLog(world, debug) {
    const annotate = (name) => (text) => world.stdout(command(`${name} title=bitbucket-token`, text));
    return {
        info: (text) => world.stdout(`${text.replace(/^\s*::/gm, ': :')}\n`),
        warning: annotate('warning'),
        error: annotate('error'),
        debug: (text) => world.stdout(debug ? `debug: ${text}\n` : command('debug', text)),
    };
}
function command(name, data) {
    return `::${name}::${data.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')}\n`;
}
function remember(world, name, value) {
    if (world.env['GITHUB_STATE'])
        append(world, 'GITHUB_STATE', new Map([[name, value]]));
}
function append(world, variable, values) {
    if (values.size === 0)
        return;
    const lines = [...values].map(([name, value]) => {
        const delimiter = `ghadelimiter_${world.uniqueName()}`;
        return `${name}<<${delimiter}\n${(0,_host_js__WEBPACK_IMPORTED_MODULE_4__/* .revealed */ .D)(value)}\n${delimiter}\n`;
    });
    const file = required(world, variable);
    try {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.appendFileSync)(file, lines.join(''));
    }
    catch (error) {
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .TokenError */ .gz('file', `${variable} could not be written: ${(0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .reasonOf */ .A3)(error)}.`, "The runner's own file is not writable: look at the disk and at the runner.", error);
    }
}
function required(world, variable) {
    const value = world.env[variable];
    if (value)
        return value;
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_2__/* .TokenError */ .gz('host', `${variable} is not set, which GitHub promises to every step.`, 'Run this as a step of a job; to use it elsewhere, set BITBUCKET_CI=shell.');
}
function markdown({ heading, rows }) {
    const escapeMarkdown = (text) => text.replace(/[\\`*_{}[\]<>#|~!&]/g, (character) => `&#${character.charCodeAt(0)};`);
    return [
        `### ${escapeMarkdown(heading)}`,
        '',
        '| | |',
        '| --- | --- |',
        ...rows.map(([name, value]) => `| ${escapeMarkdown(name)} | ${escapeMarkdown(value)} |`),
        '',
        '',
    ].join('\n');
}


/***/ }),

/***/ 984:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   D: () => (/* binding */ revealed)
/* harmony export */ });
const revealed = (value) => typeof value === 'string' ? value : value.reveal();


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
