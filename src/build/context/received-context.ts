import { randomUUID } from 'node:crypto'
import { lstatSync, readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Kernel } from '../../kernel/kernel.ts'
import { contextRules } from '../../lib/build-context/list-directory.ts'
import { GantryError } from '../../lib/errors.ts'
import { fsPath } from '../../lib/tar/member-name.ts'
import type { TarHandler } from '../../lib/tar/reader.ts'
import type { BuildContext } from '../contract.ts'
import { unpackStream } from '../copy/unpack-archive.ts'
import { resolveInRoot } from '../copy/resolve-in-root.ts'
import { Pace } from '../copy/pace.ts'
import { removeIgnored } from './remove-ignored.ts'

/** A context that a client sent or that was fetched, in a directory of its own, without what its .dockerignore leaves out. */
export interface ReceivedContext extends BuildContext {
  /** Read before the rules were applied. */
  dockerfile: { text: string; name: string }
  /** Lines of the .dockerignore that holds. */
  ignored: string[]
  remove(): Promise<void>
}

export interface ReceiveOptions {
  kernel: Kernel
  /** Contexts get their directories here; it has to be private. */
  parent: string
  /** Relative to the context. */
  dockerfile: string
  /** It is not in the context, but this text. */
  dockerfileText?: string
  signal: AbortSignal
}

/**
 * Unpacks the tar archive of a context, plain or compressed. Everything belongs to root, as with Docker; no member and no link leads out.
 * @throws InvalidParameter for a malformed archive, and "Cannot locate specified Dockerfile: …"; nothing is left then
 */
export async function receiveContext(stream: AsyncIterable<Uint8Array>, options: ReceiveOptions): Promise<ReceivedContext> {
  return await madeContext(options, async (root) => {
    await unpackStream(options.kernel, { stream, directory: root, pace: new Pace(options.signal), through: ofRoot })
  })
}

/** A context whose files `fill` puts into its new directory. */
export async function madeContext(options: ReceiveOptions, fill: (root: string) => Promise<void>): Promise<ReceivedContext> {
  const root = path.join(options.parent, randomUUID())
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true })
  await mkdir(root, { recursive: true, mode: 0o755 })
  try {
    await fill(root)
    const dockerfile = readDockerfile(root, options)
    const { lines } = contextRules(options.dockerfileText === undefined ? dockerfile.name : undefined, (name) => textOf(root, name))
    removeIgnored(root, lines)
    return { root, dockerfile, ignored: lines, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

function ofRoot(handler: TarHandler): TarHandler {
  return {
    entry: (entry, fragments) => handler.entry({ ...entry, uid: 0, gid: 0 }, fragments),
    data: (chunk, offset) => handler.data(chunk, offset),
    end: () => handler.end(),
  }
}

/** The default name may be in lower case. */
function readDockerfile(root: string, { dockerfile, dockerfileText }: ReceiveOptions): { text: string; name: string } {
  if (dockerfileText !== undefined) return { text: dockerfileText, name: dockerfile }
  const name = path.normalize(dockerfile)
  if (name.startsWith('..')) throw new GantryError('InvalidParameter', `Forbidden path outside the build context: ${dockerfile}`)
  const candidates = name === 'Dockerfile' ? [name, 'dockerfile'] : [name]
  for (const candidate of candidates) {
    const text = textOf(root, candidate)
    if (text === undefined) continue
    if (text === '') throw new GantryError('InvalidParameter', `The Dockerfile (${candidate}) cannot be empty`)
    return { text, name: candidate }
  }
  throw new GantryError('InvalidParameter', `Cannot locate specified Dockerfile: ${dockerfile}`)
}

const largestText = 16 << 20

function textOf(root: string, name: string): string | undefined {
  const place = fsPath(`${root}${resolveInRoot(root, name)}`)
  const stats = lstatIfThere(place)
  if (stats === undefined || !stats.isFile()) return undefined
  if (stats.size > largestText) throw new GantryError('InvalidParameter', `cannot read ${name}: it is larger than ${largestText} bytes`)
  return readFileSync(place, 'utf8')
}

function lstatIfThere(place: string | Buffer): ReturnType<typeof lstatSync> {
  try {
    return lstatSync(place, { throwIfNoEntry: false })
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOTDIR') return undefined
    throw error
  }
}
