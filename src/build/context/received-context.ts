import { randomUUID } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { contextRules } from '../../lib/build-context/context-rules.ts'
import { GantryError } from '../../lib/errors.ts'
import { fsPath } from '../../lib/tar/member-name.ts'
import type { BuildContext } from '../contract.ts'
import { resolveInRoot } from '../copy/resolve-in-root.ts'
import { receiveArchive, type ContextArchive } from './archive/context-archive.ts'
import { archiveFailure, type ContextTree, type TreeOptions } from './context-tree.ts'
import { removeIgnored } from './remove-ignored.ts'
import { removeTree } from './remove-tree.ts'

/** A context that a client sent or that was fetched, in a directory of its own, without what its .dockerignore leaves out. */
export interface ReceivedContext extends BuildContext {
  /** Read before the rules were applied. */
  dockerfile: { text: string; name: string }
  /** Lines of the .dockerignore that holds. */
  ignored: string[]
  remove(): Promise<void>
}

export interface ReceiveOptions extends TreeOptions {
  /** Relative to the context. */
  dockerfile: string
  /** It is not in the context, but this text. */
  dockerfileText?: string
}

/**
 * Of most archives no file is made before a step needs one.
 * @throws InvalidParameter for a malformed archive, and "Cannot locate specified Dockerfile: …"; nothing is left then
 */
export async function receiveContext(stream: AsyncIterable<Uint8Array>, options: ReceiveOptions): Promise<ReceivedContext> {
  const { parent, signal } = options
  mkdirSync(parent, { recursive: true, mode: 0o755 })
  const root = path.join(parent, randomUUID())
  let archive: ContextArchive | undefined
  try {
    archive = await receiveArchive(stream, { ...options, root })
  } catch (error) {
    await removeTree(root)
    throw archiveFailure(error, signal)
  }
  const remove = async (): Promise<void> => {
    archive?.close()
    await removeTree(root)
  }
  return await contextOf({ root, remove, ...(archive && { archive }) }, options)
}

/** Reads the Dockerfile of a tree, and takes out what its rules leave out. The tree is removed when that fails. */
export async function contextOf(tree: ContextTree & { archive?: ContextArchive }, options: Pick<ReceiveOptions, 'dockerfile' | 'dockerfileText'>): Promise<ReceivedContext> {
  const { root, archive } = tree
  const read = (name: string): string | undefined => (archive === undefined ? textOf(root, name) : textIn(archive, name))
  try {
    const dockerfile = readDockerfile(read, options)
    const { lines } = contextRules(options.dockerfileText === undefined ? dockerfile.name : undefined, read)
    if (archive === undefined) removeIgnored(root, lines)
    else archive.tree.removeIgnored(lines)
    return { root, dockerfile, ignored: lines, remove: () => tree.remove(), ...(archive && { archive }) }
  } catch (error) {
    await tree.remove()
    throw error
  }
}

/** The default name may be in lower case. */
function readDockerfile(read: (name: string) => string | undefined, { dockerfile, dockerfileText }: Pick<ReceiveOptions, 'dockerfile' | 'dockerfileText'>): { text: string; name: string } {
  if (dockerfileText !== undefined) return { text: dockerfileText, name: dockerfile }
  const name = path.normalize(dockerfile)
  const candidates = name === 'Dockerfile' ? [name, 'dockerfile'] : [name]
  for (const candidate of candidates) {
    const text = read(candidate)
    if (text === undefined) continue
    if (text === '') throw new GantryError('InvalidParameter', `the Dockerfile (${candidate}) cannot be empty`)
    return { text, name: candidate }
  }
  throw new GantryError('InvalidParameter', `Cannot locate specified Dockerfile: ${dockerfile}`)
}

const largestText = 16 << 20

function textOf(root: string, name: string): string | undefined {
  const place = fsPath(`${root}${resolveInRoot(root, name)}`)
  const stats = lstatIfThere(place)
  if (stats === undefined || !stats.isFile()) return undefined
  if (stats.size > largestText) throw tooLarge(name)
  return readFileSync(place, 'utf8')
}

function textIn({ tree, content }: ContextArchive, name: string): string | undefined {
  const node = tree.find(tree.resolve(name))
  if (node === undefined || !node.isFile()) return undefined
  if (node.length > largestText) throw tooLarge(name)
  return content(node, 0, node.length).toString('utf8')
}

function tooLarge(name: string): GantryError {
  return new GantryError('InvalidParameter', `cannot read ${name}: it is larger than ${largestText} bytes`)
}

function lstatIfThere(place: string | Buffer): ReturnType<typeof lstatSync> {
  try {
    return lstatSync(place, { throwIfNoEntry: false })
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOTDIR') return undefined
    throw error
  }
}
