// The program takes this for Windows; what it starts there is found on the PATH, for no `/` is in those names.
Object.defineProperty(process, 'platform', { value: 'win32' })
