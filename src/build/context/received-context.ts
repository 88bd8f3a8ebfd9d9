import { lstatSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { contextRules } from '../../lib/build-context/context-rules.ts'
import { GantryError } from '../../lib/errors.ts'
import { fsPath } from '../../lib/tar/member-name.ts'
import type { BuildContext } from '../contract.ts'
import { resolveInRoot } from '../copy/resolve-in-root.ts'
import { receiveTree, type ContextTree, type TreeOptions } from './context-tree.ts'
import { removeIgnored } from './remove-ignored.ts'

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

/** @throws InvalidParameter for a malformed archive, and "Cannot locate specified Dockerfile: …"; nothing is left then */
export async function receiveContext(stream: AsyncIterable<Uint8Array>, options: ReceiveOptions): Promise<ReceivedContext> {
  return await contextOf(await receiveTree(stream, options), options)
}

/** Reads the Dockerfile of a tree, and takes out what its rules leave out. The tree is removed when that fails. */
export async function contextOf(tree: ContextTree, options: Pick<ReceiveOptions, 'dockerfile' | 'dockerfileText'>): Promise<ReceivedContext> {
  const { root } = tree
  try {
    const dockerfile = readDockerfile(root, options)
    const { lines } = contextRules(options.dockerfileText === undefined ? dockerfile.name : undefined, (name) => textOf(root, name))
    removeIgnored(root, lines)
    return { root, dockerfile, ignored: lines, remove: () => tree.remove() }
  } catch (error) {
    await tree.remove()
    throw error
  }
}

/** The default name may be in lower case. */
function readDockerfile(root: string, { dockerfile, dockerfileText }: Pick<ReceiveOptions, 'dockerfile' | 'dockerfileText'>): { text: string; name: string } {
  if (dockerfileText !== undefined) return { text: dockerfileText, name: dockerfile }
  const name = path.normalize(dockerfile)
  const candidates = name === 'Dockerfile' ? [name, 'dockerfile'] : [name]
  for (const candidate of candidates) {
    const text = textOf(root, candidate)
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
