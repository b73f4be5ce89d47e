// Loaded into the program. Answers the n-th lookup of a name with the n-th address in LOOKUPS, and later lookups with the
// last one. `real` asks the machine's own resolver.
import dns from 'node:dns'

const { lookup } = dns
const answers = (process.env.LOOKUPS ?? '').split(',')
dns.lookup = (name, options, callback) => {
  const answer = answers.length > 1 ? answers.shift() : answers[0]
  if (answer === 'real') return lookup(name, options, callback)
  process.nextTick(() =>
    options.all ? callback(null, [{ address: answer, family: 4 }]) : callback(null, answer, 4),
  )
}
