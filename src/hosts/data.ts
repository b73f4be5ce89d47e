import type { Secret } from '../secret.ts'
import type { World } from '../world.ts'

/** Writes a secret to stdout, for the program that reads it. */
export function writeData({ stdout }: Pick<World, 'stdout'>, data: Secret): void {
  stdout(data.reveal())
}
