/**
 * Sends a GET to the address in its first argument and prints the result as JSON. It is a process of its own because Node
 * reads NODE_EXTRA_CA_CERTS only when it starts.
 */
import { NoAnswer } from '../../src/http/exchange.ts'
import { send } from '../../src/http/transport.ts'

const url = new URL(process.argv[2] ?? '')
try {
  const { status, body } = await send({ method: 'GET', url, headers: {} }, new AbortController().signal)
  console.log(JSON.stringify({ status, body }))
} catch (error) {
  if (!(error instanceof NoAnswer)) throw error
  console.log(
    JSON.stringify({ message: error.message, isTransient: error.isTransient, nextStep: error.nextStep }),
  )
}
