import { hash, randomUUID } from 'node:crypto'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Kernel, ToolResult } from '../../kernel/kernel.ts'
import { GantryError } from '../../lib/errors.ts'
import type { CopySource } from '../plan/contract.ts'
import { markUsed } from './kept-sources.ts'
import { resolveInRoot } from './resolve-in-root.ts'

type GitSource = Extract<CopySource, { kind: 'git' }>

interface Making {
  remote: string
  reference: string | undefined
  commit: string
  keepGitDir: boolean
  signal: AbortSignal | undefined
}

/** Repositories that builds fetch from. The host's git does the work; nothing of a repository is run. */
export class GitCheckouts {
  readonly #kernel: Kernel
  readonly #directory: string

  constructor({ kernel, directory }: { kernel: Kernel; directory: string }) {
    this.#kernel = kernel
    this.#directory = directory
  }

  /**
   * The commit that a source means now.
   * @throws NotFound for a reference that the repository does not have, InvalidParameter for a checksum that does not fit
   */
  async commit({ repository, reference, checksum }: Pick<GitSource, 'repository' | 'reference' | 'checksum'>, signal?: AbortSignal): Promise<string> {
    const remote = remoteOf(repository)
    const name = reference ?? 'HEAD'
    if (/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(name)) return fitting(name, { checksum, name })
    if (name.startsWith('-') || /[\s~^:?*[\\]/.test(name)) throw new GantryError('InvalidParameter', `invalid git reference ${JSON.stringify(name)}`)
    const listed = await this.#git(['ls-remote', '--', remote, name, `${name}^{}`, `refs/heads/${name}`, `refs/tags/${name}`, `refs/tags/${name}^{}`], signal)
    const found = new Map(listed.split('\n').filter(Boolean).map((line) => line.split('\t').toReversed() as [string, string]))
    const order = [name, `refs/heads/${name}`, `refs/tags/${name}^{}`, `refs/tags/${name}`]
    const commit = order.map((ref) => found.get(`${ref}^{}`) ?? found.get(ref)).find((sha) => sha !== undefined)
    if (commit === undefined) throw new GantryError('NotFound', `repository does not contain ref ${name}, output: ${JSON.stringify(listed)}`)
    return fitting(commit, { checksum, name })
  }

  /** Host path of the files of a commit, or of its subdirectory. It is made once and stays. */
  async checkout({ repository, reference, subdirectory, keepGitDir }: Omit<GitSource, 'kind'>, commit: string, signal?: AbortSignal): Promise<string> {
    const remote = remoteOf(repository)
    const home = path.join(this.#directory, hash('sha256', `${remote}\0${commit}\0${keepGitDir}`))
    if (!(await exists(home))) await this.#make(home, { remote, reference, commit, keepGitDir, signal })
    await markUsed(home)
    if (subdirectory === undefined) return home
    const inside = path.join(home, resolveInRoot(home, subdirectory))
    const found = await stat(inside).catch(() => undefined)
    if (!found?.isDirectory()) throw new GantryError('NotFound', `${JSON.stringify(path.join('/', subdirectory))}: not found`)
    return inside
  }

  async #make(home: string, { remote, reference, commit, keepGitDir, signal }: Making): Promise<void> {
    const half = path.join(this.#directory, `tmp-${randomUUID()}`)
    await mkdir(half, { recursive: true, mode: 0o755 })
    const at = (...args: string[]): Promise<string> => this.#git(['-C', half, ...args], signal)
    try {
      await at('init', '--quiet', '--template=')
      await at('remote', 'add', 'origin', remote)
      await this.#fetch(at, { reference, commit, signal })
      await at('checkout', '--quiet', '--force', '--detach', commit)
      await at('submodule', 'update', '--init', '--recursive', '--depth=1')
      if (!keepGitDir) await rm(path.join(half, '.git'), { recursive: true })
      await rename(half, home).catch(async (error: unknown) => {
        if (!(await exists(home))) throw error
      })
    } finally {
      await rm(half, { recursive: true, force: true })
    }
  }

  /** One commit where the server gives it, all of the reference where it does not. */
  async #fetch(at: (...args: string[]) => Promise<string>, { reference, commit, signal }: Pick<Making, 'reference' | 'commit' | 'signal'>): Promise<void> {
    try {
      await at('fetch', '--quiet', '--depth=1', '--no-tags', 'origin', commit)
    } catch {
      signal?.throwIfAborted()
      await at('fetch', '--quiet', '--tags', 'origin', ...(reference === undefined || reference === commit ? [] : [reference]))
    }
  }

  async #git(args: readonly string[], signal: AbortSignal | undefined): Promise<string> {
    signal?.throwIfAborted()
    const settings = ['-c', 'core.hooksPath=/dev/null', '-c', 'protocol.ext.allow=never', '-c', 'core.fsmonitor=false', '-c', 'core.symlinks=true', '-c', 'safe.directory=*', '-c', 'advice.detachedHead=false']
    const result: ToolResult = await this.#kernel.tool(['git', ...settings, ...args], undefined, { env: environment(), ...(signal && { signal }) })
    signal?.throwIfAborted()
    if (result.code === 127) throw new GantryError('NotImplemented', 'cannot use a git repository: git is not installed on this host')
    if (result.code !== 0) throw new GantryError('Unavailable', `git error: ${result.stderr.trim() || `exit status ${result.code}`}`)
    return result.stdout
  }
}

/** Neither the host's nor the user's settings, and nobody is asked for a password. */
function environment(): Record<string, string> {
  const kept = ['PATH', 'SSH_AUTH_SOCK', 'HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'NO_PROXY', 'no_proxy']
  const own = Object.fromEntries(kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
  return { ...own, LC_ALL: 'C', HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '/bin/false', GIT_SSH_COMMAND: 'ssh -o BatchMode=yes', GIT_LFS_SKIP_SMUDGE: '1', GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh' }
}

/** "github.com/a/b" is short for https. */
function remoteOf(repository: string): string {
  if (repository.startsWith('-')) throw new GantryError('InvalidParameter', `invalid git repository ${JSON.stringify(repository)}`)
  return repository.startsWith('github.com/') ? `https://${repository}` : repository
}

function fitting(commit: string, { checksum, name }: { checksum: string | undefined; name: string }): string {
  if (checksum !== undefined && !commit.startsWith(checksum)) throw new GantryError('InvalidParameter', `expected checksum to match ${commit}, got ${checksum} for ${name}`)
  return commit
}

async function exists(directory: string): Promise<boolean> {
  return await stat(directory).then(() => true, () => false)
}
