import type { RequestBuild } from '../build/buildkit/request-build.ts'
import { GantryError, messageOf } from '../lib/errors.ts'
import type { Call } from './call.ts'
import { progressError } from './reply.ts'

const uploadPrefix = 'upload-request:'

/** POST /build?version=2 (API v1.39 on): the client has a session open; the answer is a stream of its build's status. */
export async function buildkitBuild(call: Call): Promise<void> {
  const { response, engine } = call
  const id = call.query.string('buildid')
  if (id.startsWith(uploadPrefix)) {
    await engine.buildkit.builds.upload(id.slice(uploadPrefix.length), call.body)
    call.empty(200)
    return
  }
  const request = requestOf(call)
  call.begin('application/json')
  try {
    await engine.buildkit.builds.build(
      request,
      (message) => call.write('trace' in message ? { id: 'moby.buildkit.trace', aux: message.trace.toString('base64') } : { id: 'moby.image.id', aux: { ID: message.imageId } }),
      call.signal(),
    )
  } catch (error) {
    await call.writeText(progressError(error))
  }
  response.end()
}

function requestOf({ query }: Call): RequestBuild {
  const session = query.string('session')
  if (session === '') throw new GantryError('InvalidParameter', 'no session id in the request')
  const remote = query.string('remote')
  const uploaded = remote === 'upload-request'
  const buildArgs = strings(query.string('buildargs'), 'error reading build args')
  const list = (name: string): string[] => (parsed(query.string(name), `error reading ${name}`) as string[] | null | undefined) ?? []
  const ulimits = (parsed(query.string('ulimits'), 'error reading ulimit settings') as { Name: string; Soft: number; Hard: number }[] | null | undefined) ?? []
  const shmSize = query.int('shmsize') ?? 0
  const network = query.string('networkmode')
  const attributes: Record<string, string> = {
    filename: query.optional('dockerfile') ?? 'Dockerfile',
    'image-resolve-mode': query.bool('pull') ? 'pull' : 'default',
    ...(query.has('target') && { target: query.string('target') }),
    ...(remote !== '' && remote !== 'client-session' && !uploaded && { context: remote }),
    ...(query.bool('nocache') && { 'no-cache': '' }),
    ...(query.string('platform') !== '' && { platform: query.string('platform') }),
    ...(network !== '' && network !== 'default' && { 'force-network-mode': network }),
    ...(shmSize > 0 && { 'shm-size': String(shmSize) }),
    ...(query.string('cgroupparent') !== '' && { 'cgroup-parent': query.string('cgroupparent') }),
    'add-hosts': query.strings('extrahosts').filter((host) => host !== '').map((host) => host.replace(':', '=')).join(','),
    ulimit: ulimits.map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`).join(','),
    ...prefixed('build-arg:', buildArgs),
    ...prefixed('label:', strings(query.string('labels'), 'error reading labels')),
  }
  return {
    id: query.string('buildid'),
    session,
    attributes,
    exporters: exportersOf(query.string('outputs'), query.strings('t')),
    cacheImports: list('cachefrom').map((ref) => ({ type: 'registry', attributes: { ref } })),
    cacheExports: buildArgs['BUILDKIT_INLINE_CACHE'] === '1' ? [{ type: 'inline', attributes: {} }] : [],
    entitlements: network === 'host' ? ['network.host'] : [],
    uploaded,
  }
}

/** Without outputs the result becomes an image. */
function exportersOf(text: string, tags: readonly string[]): RequestBuild['exporters'] {
  const outputs = (parsed(text, 'error reading outputs') as { Type: string; Attrs: Record<string, string> | null }[] | null | undefined) ?? []
  const name = tags.filter((tag) => tag !== '').join(',')
  if (outputs.length === 0) return [{ type: 'moby', attributes: { name } }]
  if (outputs.length > 1) throw new GantryError('InvalidParameter', 'multiple outputs not supported')
  return outputs.filter(({ Type }) => Type !== 'cacheonly').map(({ Type, Attrs }) => ({ type: Type, attributes: { ...(Type === 'image' && { name }), ...Attrs } }))
}

function prefixed(prefix: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]))
}

function strings(text: string, failure: string): Record<string, string> {
  const values = (parsed(text, failure) as Record<string, string | null> | null | undefined) ?? {}
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function parsed(text: string, failure: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new GantryError('InvalidParameter', `${failure}: ${messageOf(cause)}`, { cause })
  }
}
