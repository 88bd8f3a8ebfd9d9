import { existsSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { compressedOrTar, peek } from './archive-head.ts'
import { ExitError } from '../exit-error.ts'
import { identity } from './build-client.ts'
import { taggedDigest, type ContentStore } from './content-stores.ts'

/** Where a build's files are. */
export interface BuildSources {
  attributes: Record<string, string>
  /** Directories that the engine may ask for, by name. */
  directories: Map<string, string>
  /** A Dockerfile that is in no directory. */
  dockerfile?: Buffer
  /** Bytes that the engine fetches under a URL of the host "buildkit-session". */
  upload?: AsyncIterable<Buffer>
  /** OCI layouts that the engine may read, by name. */
  stores: Map<string, ContentStore>
  /** Names the context for the engine's copy of it. */
  sharedKey: string
}

const remotePattern = /^(https?:\/\/|git:\/\/|ssh:\/\/|git@|github\.com\/)/

/** PATH, URL or "-", with --file. @throws ExitError with docker's texts */
export async function readSources(path: string, file: string, stdin: NodeJS.ReadStream): Promise<BuildSources> {
  if (path === '-') return await fromStdin(file, stdin)
  const sources: BuildSources = { attributes: {}, directories: new Map(), stores: new Map(), sharedKey: '' }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    sources.directories.set('context', resolve(path))
    sources.sharedKey = resolve(path)
    if (file === '-') sources.dockerfile = await readAllOf(stdin)
    else if (/^https?:\/\//.test(file)) throw new ExitError('a Dockerfile under a URL is not supported: give it as the context, or by "-"')
    else useDockerfile(sources, file === '' ? join(path, 'Dockerfile') : file)
  } else if (remotePattern.test(path)) {
    sources.attributes['context'] = path
    if (file === '-') sources.dockerfile = await readAllOf(stdin)
    else if (isAbsolute(file)) {
      useDockerfile(sources, file)
      sources.attributes['dockerfilekey'] = 'dockerfile'
    } else if (file !== '') sources.attributes['filename'] = file
  } else {
    throw new ExitError(`unable to prepare context: path ${JSON.stringify(path)} not found`)
  }
  if (sources.dockerfile !== undefined) sources.attributes['dockerfilekey'] = 'dockerfile'
  return sources
}

async function fromStdin(file: string, stdin: NodeJS.ReadStream): Promise<BuildSources> {
  if (file === '-') throw new ExitError("invalid argument: can't use stdin for both build context and dockerfile")
  const { head, whole } = await peek(stdin as AsyncIterable<Buffer>)
  if (head.length > 0 && compressedOrTar(head)) {
    const attributes = { context: `http://buildkit-session/${uploadName}`, ...(file !== '' && { filename: file }) }
    return { attributes, directories: new Map(), stores: new Map(), upload: whole, sharedKey: '' }
  }
  if (file !== '') throw new ExitError('ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles')
  const parts: Buffer[] = []
  for await (const part of whole) parts.push(part)
  return { attributes: { dockerfilekey: 'dockerfile' }, directories: new Map(), stores: new Map(), dockerfile: Buffer.concat(parts), sharedKey: '' }
}

const uploadName = 'context'

function useDockerfile(sources: BuildSources, file: string): void {
  const directory = dirname(resolve(file))
  let name = basename(file)
  if (!existsSync(join(directory, name))) {
    if (name === 'Dockerfile' && existsSync(join(directory, 'dockerfile'))) name = 'dockerfile'
    else throw new ExitError(`failed to read dockerfile: open ${name}: no such file or directory`)
  }
  sources.directories.set('dockerfile', directory)
  sources.attributes['filename'] = name
}

/** --build-context NAME=SOURCE. */
export function readNamedContexts(words: readonly string[], sources: BuildSources): void {
  for (const word of words) {
    const equals = word.indexOf('=')
    if (equals < 1 || equals === word.length - 1) throw new ExitError(`invalid context value: ${word}, expected key=value`)
    const name = word.slice(0, equals).toLowerCase()
    const value = word.slice(equals + 1)
    if (value.startsWith('oci-layout://')) {
      sources.attributes[`context:${name}`] = readLayout(sources, value.slice('oci-layout://'.length))
      continue
    }
    if (remotePattern.test(value) || value.startsWith('docker-image://') || /^target:./.test(value)) {
      sources.attributes[`context:${name}`] = value
      continue
    }
    if (statSync(value, { throwIfNoEntry: false })?.isDirectory() !== true) throw new ExitError(`failed to get build context path {${value} <nil>}: stat ${value}: no such file or directory`)
    sources.directories.set(`named ${name}`, resolve(value))
    sources.attributes[`context:${name}`] = `local:named ${name}`
  }
}

/** "PATH[:tag][@digest]": the engine reads it under a name that says nothing of this host. */
function readLayout({ stores }: BuildSources, text: string): string {
  const [place = '', pinned] = text.split('@')
  const match = /^(.*?)(?::([\w][\w.-]*))?$/.exec(place)!
  const directory = resolve(existsSync(join(place, 'index.json')) ? place : match[1]!)
  const tag = existsSync(join(place, 'index.json')) ? 'latest' : (match[2] ?? 'latest')
  if (!existsSync(join(directory, 'index.json'))) throw new ExitError(`invalid OCI layout ${directory}: open ${join(directory, 'index.json')}: no such file or directory`)
  const digest = pinned ?? taggedDigest(directory, tag)
  if (digest === undefined) throw new ExitError(`failed to get digest of OCI layout ${directory}: tag ${JSON.stringify(tag)} not found in index.json`)
  const store = identity()
  stores.set(`oci:${store}`, { directory, writable: false })
  return `oci-layout://${store}@${digest}`
}

async function readAllOf(stdin: NodeJS.ReadStream): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stdin as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts)
}
