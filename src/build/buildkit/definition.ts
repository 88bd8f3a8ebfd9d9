import { readFileSync, existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { GantryError } from '../../lib/errors.ts'
import { ignoreLines } from '../../lib/patterns/ignore-patterns.ts'
import type { BuildContext, NamedContext } from '../contract.ts'
import { parseDockerfile } from '../dockerfile/dockerfile.ts'
import type { BuildSession } from './build-session.ts'
import type { BuildStatus } from './build-status.ts'
import type { ClientContexts, ClientDirectory } from './client-contexts.ts'
import { withPrefix } from './solve-attributes.ts'
import type { SpecialNodes } from '../../lib/fsutil/directory-writer.ts'

/** Brings a context from elsewhere: a tarball or a Dockerfile under a URL, a git repository, or an archive that the client streams. */
export type RemoteContexts = (from: { url: string } | { archive: Readable }, place: { directory: string; signal: AbortSignal }) => Promise<{ root: string; dockerfile?: string }>

export interface DefinitionRoom {
  contexts: ClientContexts
  remote: RemoteContexts
  special: SpecialNodes
  /** A new path for something of this build alone; it is removed when the build ends. */
  scratch(): string
}

export interface BuildDefinition {
  dockerfile: { text: string; name: string }
  context: BuildContext
  namedContexts: Map<string, NamedContext>
}

interface Loading {
  room: DefinitionRoom
  session: BuildSession
  attributes: Readonly<Record<string, string>>
  status: BuildStatus
  signal: AbortSignal
  /** The main context, in place of a directory of the client. */
  archive?: Readable
  /** Called at the end of the build. */
  cleanups: (() => Promise<void>)[]
}

/** Finds the Dockerfile, and where contexts are, without bringing these here yet. */
export async function loadDefinition(loading: Loading): Promise<BuildDefinition> {
  const { attributes, status } = loading
  const url = attributes['context'] ?? ''
  const name = attributes['filename'] || 'Dockerfile'
  const remote = url === '' && loading.archive === undefined ? undefined : await loadRemote(loading, url)
  const local = attributes['dockerfilekey'] || (remote === undefined ? 'dockerfile' : undefined)
  const found = local !== undefined ? await readLocal(loading, { name, local }) : readRemote(remote!, name)
  status.source = { name, text: found.text }
  // What cannot be read is told before the client is asked for more.
  parseDockerfile(found.text)
  const ignored = remote === undefined ? await ignoredPaths(loading, found.ignore) : []
  return {
    dockerfile: { text: found.text, name },
    context: remote === undefined ? clientContext(loading, { local: attributes['contextkey'] || 'context', ignored }) : { root: remote.root },
    namedContexts: namedContexts(loading),
  }
}

interface Found {
  text: string
  /** Dockerfile.dockerignore. */
  ignore?: string
}

async function readLocal(loading: Loading, { name, local }: { name: string; local: string }): Promise<Found> {
  const { room, session, status, signal, cleanups } = loading
  return await status.during(`[internal] load build definition from ${name}`, async (vertex) => {
    const includes = [name, `${name}.dockerignore`, ...(name === 'Dockerfile' ? ['dockerfile'] : [])]
    const progress = transferred(status, vertex, 'transferring dockerfile:')
    const directory = await room.contexts.sync(session, { name: local, includes, signal, special: room.special, progress: progress.told })
    cleanups.push(() => directory.release())
    progress.done()
    return readIn(directory.root, name) ?? missing(name)
  })
}

function readRemote(remote: { root: string; dockerfile?: string }, name: string): Found {
  if (remote.dockerfile !== undefined) return { text: remote.dockerfile }
  return readIn(remote.root, name) ?? missing(name)
}

function readIn(root: string, name: string): Found | undefined {
  const file = [name, ...(name === 'Dockerfile' ? ['dockerfile'] : [])].find((each) => existsSync(join(root, each)))
  if (file === undefined) return undefined
  const ignore = join(root, `${file}.dockerignore`)
  return { text: readFileSync(join(root, file), 'utf8'), ...(existsSync(ignore) && { ignore: readFileSync(ignore, 'utf8') }) }
}

function missing(name: string): never {
  throw new GantryError('InvalidParameter', `failed to read dockerfile: open ${name}: no such file or directory`)
}

async function ignoredPaths(loading: Loading, own: string | undefined, { local = loading.attributes['contextkey'] || 'context', title = '[internal] load .dockerignore', what = 'context' } = {}): Promise<string[]> {
  const { room, session, status, signal } = loading
  if (own !== undefined) return ignoreLines(own)
  return await status.during(title, async (vertex) => {
    const progress = transferred(status, vertex, `transferring ${what}:`)
    const directory = await room.contexts.sync(session, { name: local, includes: ['.dockerignore'], signal, progress: progress.told })
    progress.done()
    try {
      const file = join(directory.root, '.dockerignore')
      return existsSync(file) ? ignoreLines(readFileSync(file, 'utf8')) : []
    } finally {
      await directory.release()
    }
  })
}

/** A directory of the client that comes here when something needs it. */
function clientContext(loading: Loading, { local, ignored, named }: { local: string; ignored?: string[]; named?: string }): BuildContext {
  const { room, session, status, signal, cleanups } = loading
  let coming: Promise<ClientDirectory> | undefined
  const what = named ?? 'context'
  const context: BuildContext = {
    root: '',
    ...(ignored && { ignored }),
    async ready() {
      coming ??= (async () => {
        const excludes = ignored ?? (await ignoredPaths(loading, undefined, { local, title: `[context ${what}] load .dockerignore`, what }))
        return await status.during(named === undefined ? '[internal] load build context' : `[context ${named}] load from client`, async (vertex) => {
          const progress = transferred(status, vertex, `transferring ${what}:`)
          const directory = await room.contexts.sync(session, { name: local, key: local, excludes, signal, special: room.special, progress: progress.told })
          cleanups.push(() => directory.release())
          progress.done()
          return directory
        })
      })()
      context.root = (await coming).root
    },
  }
  return context
}

async function loadRemote(loading: Loading, url: string): Promise<{ root: string; dockerfile?: string }> {
  const { room, session, status, signal, cleanups } = loading
  return await status.during(`[internal] load remote build context`, async () => {
    const place = { directory: room.scratch(), signal }
    cleanups.push(() => rm(place.directory, { recursive: true, force: true }))
    if (loading.archive !== undefined) return await room.remote({ archive: loading.archive }, place)
    const streamed = /^https?:\/\/buildkit-session\//.test(url)
    return await room.remote(streamed ? { archive: session.upload(new URL(url), signal) } : { url }, place)
  })
}

/** "context:NAME" or "context:NAME::PLATFORM" is "local:DIR", "docker-image://REF", "oci-layout://…" or a URL. */
function namedContexts(loading: Loading): Map<string, NamedContext> {
  const found = new Map<string, NamedContext>()
  for (const [key, value] of Object.entries(withPrefix(loading.attributes, 'context:'))) {
    const name = key.split('::', 1)[0]!.toLowerCase()
    if (value.startsWith('local:')) found.set(name, { kind: 'tree', context: clientContext(loading, { local: value.slice('local:'.length), named: name }) })
    else if (value.startsWith('docker-image://')) found.set(name, { kind: 'image', reference: value.slice('docker-image://'.length) })
    else if (/^(https?|git|ssh):\/\/|^git@/.test(value)) found.set(name, { kind: 'tree', context: remoteContext(loading, name, value) })
    else if (value.startsWith('oci-layout://')) found.set(name, namedLayout(name, value.slice('oci-layout://'.length)))
    else if (/^target:(\/\/)?./.test(value)) found.set(name, { kind: 'stage', stage: value.replace(/^target:(\/\/)?/, '') })
    else throw new GantryError('InvalidParameter', `unsupported context source ${value.split(':', 1)[0]} for ${name}`)
  }
  return found
}

/** "STORE[:tag]@sha256:…": the client has looked the digest up. */
function namedLayout(name: string, text: string): NamedContext {
  const match = /^([^@]*?)(?::[\w.-]+)?@(sha256:[0-9a-f]{64})$/.exec(text)
  if (match === null) throw new GantryError('InvalidParameter', `invalid oci-layout of context ${name}: it has no digest`)
  return { kind: 'oci-layout', store: match[1]!, digest: match[2]! }
}

function remoteContext({ room, status, signal, cleanups }: Loading, name: string, url: string): BuildContext {
  let coming: Promise<{ root: string }> | undefined
  const context: BuildContext = {
    root: '',
    async ready() {
      coming ??= status.during(`[context ${name}] ${url}`, () => {
        const directory = room.scratch()
        cleanups.push(() => rm(directory, { recursive: true, force: true }))
        return room.remote({ url }, { directory, signal })
      })
      context.root = (await coming).root
    },
  }
  return context
}

/** "transferring context: 2B", told now and then and at the end. */
function transferred(status: BuildStatus, vertex: string, id: string): { told: (bytes: number) => void; done: () => void } {
  const started = Date.now()
  let current = 0
  let last = 0
  const tell = (completed?: number): void => status.status({ vertex, id, current, total: 0, at: Date.now(), started, ...(completed !== undefined && { completed }) })
  return {
    told(bytes) {
      current = bytes
      const now = Date.now()
      if (now - last < 100) return
      last = now
      tell()
    },
    done: () => tell(Date.now()),
  }
}
