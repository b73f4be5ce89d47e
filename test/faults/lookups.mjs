// Loaded into the program: answers the n-th lookup of a name with the n-th address in LOOKUPS, and all further ones with
// the last. `as they are` asks the machine's own resolver.
import dns from 'node:dns'

const { lookup } = dns
const answers = (process.env.LOOKUPS ?? '').split(',')
dns.lookup = (name, options, callback) => {
  const answer = answers.length > 1 ? answers.shift() : answers[0]
  if (answer === 'as they are') return lookup(name, options, callback)
  process.nextTick(() =>
    options.all ? callback(null, [{ address: answer, family: 4 }]) : callback(null, answer, 4),
  )
}
