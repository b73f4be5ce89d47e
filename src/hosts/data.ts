import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'

/** Gives a secret to the program that reads our stdout; nothing else is written there. */
export function writeData({ stdout }: Pick<World, 'stdout'>, data: Secret): void {
  stdout(data.reveal())
}
