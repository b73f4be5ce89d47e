export const id = 78;
export const ids = [78];
export const modules = {

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

/***/ 78:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   shell: () => (/* binding */ shell)
/* harmony export */ });
/* harmony import */ var _output_directory_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(290);

function shell(world, path, debug) {
    return (0,_output_directory_js__WEBPACK_IMPORTED_MODULE_0__/* .outputDirectoryHost */ .X3)(world, {
        path: path ?? (0,_output_directory_js__WEBPACK_IMPORTED_MODULE_0__/* .defaultDirectory */ .V)(world.cwd),
        debug,
        whyEmpty: 'In `docker run` every variable must be passed on: -e NAME.',
    });
}


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
