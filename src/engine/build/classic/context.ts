import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { isUtf8 } from 'node:buffer'
import { join } from 'node:path'
import { isGit, gitReference } from '../../../build/plan/copy-sources.ts'
import { GitCheckouts } from '../../../build/copy/git-checkout.ts'
import { download } from '../../../build/copy/download.ts'
import { isArchive, plainNames } from '../../../build/copy/unpack-archive.ts'
import { decompressed } from '../../../containerd/images/decompress.ts'
import { withWholeSource } from '../../../containerd/images/whole-source.ts'
import { LayerExtractor } from '../../../containerd/snapshots/tree/layer-extractor.ts'
import { nodeCalls } from '../../../containerd/snapshots/tree/node-calls.ts'
import { openInRoot } from '../../../kernel/in-root.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { GantryError, messageOf } from '../../../lib/errors.ts'
import { readTar } from '../../../lib/tar/reader.ts'
import type { ClassicBuild } from '../../types/builds.ts'

export interface ReceivedContext {
  root: string
  /** Instead of the file in the context: a URL was one. */
  dockerfile?: string
}

export interface ContextPlace {
  kernel: Kernel
  /** Made for this context. */
  directory: string
  /** Kept: downloads and repositories. */
  cache: string
  signal: AbortSignal
}

/** Takes in what a classic client builds from. */
export async function receiveContext(place: ContextPlace, { context, remote }: Pick<ClassicBuild, 'context' | 'remote'>): Promise<ReceivedContext> {
  mkdirSync(place.directory, { recursive: true, mode: 0o700 })
  if (remote === '') {
    await withWholeSource(context, (lent) => unpack(place, lent))
    return { root: place.directory }
  }
  context.resume()
  return isGit(remote) ? await fromGit(place, remote) : await fromUrl(place, remote)
}

async function unpack({ kernel, directory, signal }: ContextPlace, source: AsyncIterable<Uint8Array>): Promise<void> {
  const extractor = new LayerExtractor({ calls: nodeCalls(kernel), style: plainNames, directory })
  try {
    await readTar(stoppable(decompressed(source), signal), extractor)
    extractor.finish()
  } catch (error) {
    throw error instanceof GantryError ? new GantryError(error.kind, `Error processing tar file(exit status 1): ${messageOf(error)}`, { cause: error }) : error
  } finally {
    extractor.close()
  }
}

async function* stoppable(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    signal.throwIfAborted()
    yield chunk
  }
}

async function fromGit({ kernel, cache }: ContextPlace, remote: string): Promise<ReceivedContext> {
  try {
    const reference = gitReference(remote)
    const repositories = new GitCheckouts({ kernel, directory: join(cache, 'git') })
    return { root: await repositories.checkout({ ...reference, keepGitDir: false }, await repositories.commit(reference)) }
  } catch (error) {
    throw new GantryError('InvalidParameter', `unable to prepare context: ${messageOf(error)}`, { cause: error })
  }
}

async function fromUrl(place: ContextPlace, remote: string): Promise<ReceivedContext> {
  if (!/^https?:\/\//.test(remote)) throw new GantryError('InvalidParameter', `unable to prepare context: unable to open ${JSON.stringify(remote)}: it is no URL`)
  const { file } = await download(remote, { directory: join(place.cache, 'url'), signal: place.signal }).catch((error: unknown) => {
    throw new GantryError('InvalidParameter', `failed to GET ${remote}: ${messageOf(error)}`, { cause: error })
  })
  const descriptor = openSync(file, 'r')
  try {
    if (!(await isArchive(descriptor))) return { root: place.directory, dockerfile: dockerfileText(readFileSync(file), remote) }
    await unpack(place, chunksOf(readFileSync(file)))
    return { root: place.directory }
  } finally {
    closeSync(descriptor)
  }
}

function dockerfileText(bytes: Buffer, name: string): string {
  if (!isUtf8(bytes) || bytes.length > largestDockerfile) throw new GantryError('InvalidParameter', `unsupported content of ${name}: it is neither an archive nor a Dockerfile`)
  return bytes.toString('utf8')
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20))
}

const largestDockerfile = 16 << 20

/** The text of the Dockerfile; links are followed inside the context. @throws InvalidParameter with Docker's texts */
export function readDockerfile(kernel: Kernel, root: string, name: string): string {
  const text = readInside(kernel, root, name) ?? (name === 'Dockerfile' ? readInside(kernel, root, 'dockerfile') : undefined)
  if (text === undefined) throw new GantryError('InvalidParameter', `Cannot locate specified Dockerfile: ${name}`)
  if (text === '') throw new GantryError('InvalidParameter', `the Dockerfile (${name}) cannot be empty`)
  return text
}

function readInside(kernel: Kernel, root: string, name: string): string | undefined {
  const top = openSync(root, 'r')
  try {
    const found = openInRoot(kernel, top, name, 'followed')
    try {
      const bytes = readFileSync(`/proc/self/fd/${found}`)
      if (bytes.length > largestDockerfile) throw new GantryError('InvalidParameter', `the Dockerfile (${name}) has ${bytes.length} bytes`)
      return bytes.toString('utf8')
    } finally {
      closeSync(found)
    }
  } catch (error) {
    if (error instanceof GantryError) throw error
    return undefined
  } finally {
    closeSync(top)
  }
}

export async function forgetContext({ directory }: ContextPlace): Promise<void> {
  await rm(directory, { recursive: true, force: true })
}
