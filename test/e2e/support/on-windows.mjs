// Makes the program believe that this is Windows. The names of what it starts there have no `/`, so PATH can provide them.
Object.defineProperty(process, 'platform', { value: 'win32' })
