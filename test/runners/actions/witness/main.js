// Steps clean up in reverse order, so the first step's `post` sees what all others have left.
console.log('The witness looks at the end.')
