import { createReadStream } from 'node:fs'
import { copyFile, open, readFile, stat } from 'node:fs/promises'
import { isUtf8 } from 'node:buffer'
import path from 'node:path'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import { download } from '../copy/download.ts'
import { GitCheckouts } from '../copy/git-checkout.ts'
import { isArchive } from '../copy/unpack-archive.ts'
import { gitReference, isGit } from '../plan/copy-sources.ts'
import { madeTree, receiveTree, type ContextTree, type TreeOptions } from './context-tree.ts'
import { contextOf, type ReceivedContext, type ReceiveOptions } from './received-context.ts'

export interface RemoteTreeOptions extends TreeOptions {
  /** Downloads and repositories are kept there, the copier's directory. */
  directory: string
}

export type RemoteOptions = ReceiveOptions & RemoteTreeOptions

/**
 * The context that a build's `remote` names: a git repository ("…git#reference:subdirectory"), the URL of an archive, or that of a Dockerfile,
 * which is then all there is. Source: "Build context"; Engine API, /build.
 * @throws InvalidParameter for anything else
 */
export async function remoteContext(remote: string, options: RemoteOptions): Promise<ReceivedContext> {
  const tree = await remoteTree(remote, options)
  return await contextOf(tree, tree.dockerfileText === undefined ? options : { dockerfile: 'Dockerfile', dockerfileText: tree.dockerfileText })
}

/** The same as it came: nothing is ignored, and it need not have a Dockerfile. */
export async function remoteTree(remote: string, options: RemoteTreeOptions): Promise<ContextTree> {
  if (isGit(remote)) return await gitTree(remote, options)
  if (/^https?:\/\//.test(remote)) return await urlTree(remote, options)
  throw new GantryError('InvalidParameter', `remoteURL (${remote}) could not be recognized as URL`)
}

export async function gitTree(remote: string, options: RemoteTreeOptions): Promise<ContextTree> {
  const { kernel, directory, signal } = options
  const source = { ...gitReference(remote), keepGitDir: false }
  const checkouts = new GitCheckouts({ kernel, directory: path.join(directory, 'git') })
  const files = await checkouts.checkout(source, await checkouts.commit(source, signal), signal)
  return await madeTree(options, (root) => copyTree(kernel, { from: files, to: root, signal }))
}

async function urlTree(remote: string, options: RemoteTreeOptions): Promise<ContextTree> {
  const { signal, directory } = options
  const { file } = await download(remote, { directory: path.join(directory, 'urls'), signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw new GantryError('InvalidParameter', `failed to GET ${remote}: ${messageOf(error)}`, { cause: error })
  })
  if (await holdsArchive(file)) return await receiveTree(createReadStream(file), options)
  const dockerfileText = await dockerfileIn(file, remote)
  return { ...(await madeTree(options, async (root) => await copyFile(file, path.join(root, 'Dockerfile')))), dockerfileText }
}

const largestDockerfile = 16 << 20

async function dockerfileIn(file: string, remote: string): Promise<string> {
  const { size } = await stat(file)
  const bytes = size > largestDockerfile ? Buffer.of(0) : await readFile(file)
  if (bytes.includes(0) || !isUtf8(bytes)) throw new GantryError('InvalidParameter', `cannot build from ${remote}: it is neither an archive nor a Dockerfile`)
  return bytes.toString('utf8')
}

async function holdsArchive(file: string): Promise<boolean> {
  const opened = await open(file)
  try {
    return await isArchive(opened.fd)
  } finally {
    await opened.close()
  }
}

async function copyTree(kernel: Kernel, { from, to, signal }: { from: string; to: string; signal: AbortSignal }): Promise<void> {
  const { code, stderr } = await kernel.tool(['cp', '-a', '--reflink=auto', '--', `${from}/.`, to], undefined, { signal })
  signal.throwIfAborted()
  if (code !== 0) throw new GantryError('System', `cannot copy a repository: ${stderr.trim()}`)
}
