// Post steps run in reverse order, so the `post` of the first step sees what all others left behind.
console.log('The witness checks at the end of the job.')
