import { mkdirSync, readdirSync, rmSync, statSync, type Stats } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { GantryError } from '../../lib/errors.ts'

/** Where a container's checkpoints are: a directory for each, with criu's images in it. */
export interface CheckpointPlace {
  /** `checkpoints/` of the container, or what the user asked for. */
  directory: string
  /** As the user names the container, for messages. */
  container: string
}

const nameOf = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
/** What criu writes last: without it there is half a checkpoint. */
const inventory = 'inventory.img'

/** @param custom `checkpoint-dir`, empty for none @throws InvalidParameter: the engine has no directory of its own to start from */
export function checkpointPlace(own: string, container: string, custom = ''): CheckpointPlace {
  if (custom !== '' && !isAbsolute(custom)) throw new GantryError('InvalidParameter', `invalid checkpoint directory ${JSON.stringify(custom)}: it must be an absolute path`)
  return { directory: custom === '' ? own : custom, container }
}

/** Makes the directory of a new checkpoint. @throws GantryError System with Docker's text */
export function makeCheckpoint({ directory, container }: CheckpointPlace, name: string): string {
  if (!nameOf.test(name)) throw new GantryError('System', `Invalid checkpoint ID (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`)
  const path = join(directory, name)
  const found = statOf(path)
  if (found?.isDirectory()) throw new GantryError('System', `cannot checkpoint container ${container}: checkpoint with name ${name} already exists for container ${container}`)
  if (found !== undefined) throw new GantryError('System', `cannot checkpoint container ${container}: ${path} exists and is not a directory`)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return path
}

/** @throws GantryError System with Docker's text */
export function findCheckpoint({ directory, container }: CheckpointPlace, name: string): string {
  const path = join(directory, name)
  const found = nameOf.test(name) ? statOf(path) : undefined
  if (found === undefined) throw new GantryError('System', `checkpoint ${name} does not exist for container ${container}`)
  if (!found.isDirectory()) throw new GantryError('System', `${path} exists and is not a directory`)
  return path
}

/** In the order of their names. */
export function listCheckpoints({ directory, container }: CheckpointPlace): string[] {
  if (statOf(directory)?.isDirectory() !== true) throw new GantryError('System', `checkpoint  does not exist for container ${container}`)
  const names = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return names.toSorted((one, other) => (one < other ? -1 : 1))
}

/** Takes away what an engine that was killed has left of checkpoints. @returns their names */
export function sweepCheckpoints(directory: string): string[] {
  if (statOf(directory)?.isDirectory() !== true) return []
  const halfMade = listCheckpoints({ directory, container: '' }).filter((name) => statOf(join(directory, name, inventory)) === undefined)
  for (const name of halfMade) rmSync(join(directory, name), { recursive: true, force: true })
  return halfMade
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}
