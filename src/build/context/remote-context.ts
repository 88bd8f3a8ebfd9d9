import { createReadStream } from 'node:fs'
import { copyFile, open, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError } from '../../lib/errors.ts'
import { download } from '../copy/download.ts'
import { GitCheckouts } from '../copy/git-checkout.ts'
import { isArchive } from '../copy/unpack-archive.ts'
import { isGit } from '../plan/copy-sources.ts'
import { madeContext, receiveContext } from './received-context.ts'
import type { ReceivedContext, ReceiveOptions } from './received-context.ts'

export interface RemoteOptions extends ReceiveOptions {
  /** Downloads and repositories are kept there, the copier's directory. */
  directory: string
}

/**
 * The context that a build's `remote` names: a git repository ("…git#reference:subdirectory"), the URL of an archive, or that of a Dockerfile,
 * which is then all there is. Source: "Build context"; Engine API, /build.
 * @throws InvalidParameter for anything else
 */
export async function remoteContext(remote: string, options: RemoteOptions): Promise<ReceivedContext> {
  if (isGit(remote)) return await gitContext(remote, options)
  if (/^https?:\/\//.test(remote)) return await urlContext(remote, options)
  throw new GantryError('InvalidParameter', `remoteURL (${remote}) could not be recognized as URL`)
}

export async function gitContext(remote: string, options: RemoteOptions): Promise<ReceivedContext> {
  const { kernel, directory } = options
  const [repository, fragment] = splitOnce(remote, '#')
  const [reference, subdirectory] = splitOnce(fragment, ':')
  const source = { repository, keepGitDir: false, ...(reference === '' ? {} : { reference }), ...(subdirectory === '' ? {} : { subdirectory }) }
  const checkouts = new GitCheckouts({ kernel, directory: path.join(directory, 'git') })
  const files = await checkouts.checkout(source, await checkouts.commit(source))
  return await madeContext(options, (root) => copyTree(kernel, files, root))
}

async function urlContext(remote: string, options: RemoteOptions): Promise<ReceivedContext> {
  const { file } = await download(remote, { directory: path.join(options.directory, 'urls'), signal: options.signal })
  if (await holdsArchive(file)) return await receiveContext(createReadStream(file), options)
  const dockerfileText = await readFile(file, 'utf8')
  if (dockerfileText.includes('\0')) throw new GantryError('InvalidParameter', `cannot build from ${remote}: it is neither an archive nor a Dockerfile`)
  return await madeContext({ ...options, dockerfile: 'Dockerfile' }, async (root) => await copyFile(file, path.join(root, 'Dockerfile')))
}

/** An empty context for a Dockerfile that comes alone ("docker build - <Dockerfile"). */
export async function dockerfileContext(text: string, options: ReceiveOptions): Promise<ReceivedContext> {
  return await madeContext({ ...options, dockerfile: 'Dockerfile' }, async (root) => await writeFile(path.join(root, 'Dockerfile'), text))
}

async function holdsArchive(file: string): Promise<boolean> {
  const opened = await open(file)
  try {
    return await isArchive(opened.fd)
  } finally {
    await opened.close()
  }
}

async function copyTree(kernel: Kernel, from: string, to: string): Promise<void> {
  const { code, stderr } = await kernel.tool(['cp', '-a', '--reflink=auto', '--', `${from}/.`, to])
  if (code !== 0) throw new GantryError('System', `cannot copy a repository: ${stderr.trim()}`)
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
