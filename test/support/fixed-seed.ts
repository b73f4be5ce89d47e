import fc from 'fast-check'

// Each run tries the same cases, so that it passes or fails for the same reason. FUZZ_SEED=random tries others, and a
// failure prints its seed.
const seed = process.env['FUZZ_SEED'] ?? '1'
if (seed !== 'random') fc.configureGlobal({ seed: Number(seed) })
