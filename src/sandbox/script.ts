import { type Answer, json, text } from './answers.ts'
import type { ScriptedAnswer, ScriptedReply } from './contract.ts'

/** The queue of answers that a test prepared. */
export class Script {
  readonly #answers: ScriptedAnswer[] = []

  add(answers: ScriptedAnswer[]): void {
    this.#answers.push(...answers)
  }

  /** Takes the first answer that is meant for this path. */
  take(path: string): ScriptedAnswer | undefined {
    const index = this.#answers.findIndex(
      (answer) => typeof answer === 'function' || path.startsWith(answer.path ?? ''),
    )
    return index === -1 ? undefined : this.#answers.splice(index, 1)[0]
  }
}

export function scriptedReply({ status, headers = {}, body = '' }: ScriptedReply): Answer {
  const answer = typeof body === 'string' ? text(status, body) : json(status, body)
  for (const [name, value] of Object.entries(headers)) answer.headers[name.toLowerCase()] = value
  return answer
}
