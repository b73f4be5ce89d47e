export const id=12,ids=[12],modules={12:((__unused_webpack___webpack_module__,__webpack_exports__,__webpack_require__)=>{__webpack_require__.r(__webpack_exports__),__webpack_require__.d(__webpack_exports__,{helpText:()=>helpText});var _command_line_js__WEBPACK_IMPORTED_MODULE_0__=__webpack_require__(92),_inputs_js__WEBPACK_IMPORTED_MODULE_1__=__webpack_require__(175);function helpText(){const rows=pairs=>{const width=Math.max(...pairs.map(([name])=>name.length));return pairs.map(([name,text])=>`  ${name.padEnd(width)}  ${text}`).join(`
`)};return`Usage: bitbucket-token [verb] [--flag value]\u2026 [-- command\u2026]

Gets a Bitbucket Cloud credential in a CI job, checks it, masks it, hands it over.

Verbs:
${rows(Object.entries(_command_line_js__WEBPACK_IMPORTED_MODULE_0__.P))}

Inputs, as variables. Those that are not secret are flags too: --some-name for BITBUCKET_SOME_NAME.
${rows(_inputs_js__WEBPACK_IMPORTED_MODULE_1__.vj.map(name=>[(0,_inputs_js__WEBPACK_IMPORTED_MODULE_1__.Qn)(name),describe(name)]))}

Exit status: 0 done, 2 input, 3 Bitbucket refused the credential, 4 valid but a scope or access to the
repository is missing, 5 Bitbucket could not be reached or kept failing, 1 anything else.
`}function describe(name){const{help,secret,default:usual}=(0,_inputs_js__WEBPACK_IMPORTED_MODULE_1__.Fg)(name);return`${help.replaceAll("`","")}${secret?" Secret: no flag.":""}${usual===void 0?"":` Default: ${usual}.`}`}})};
