import { GantryError, messageOf } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import { imageFor, imageRowFor } from '../older-images.ts'
import { streamProgress } from '../progress-stream.ts'
import { registryCredentials } from '../registry-credentials.ts'
import { progressError } from '../reply.ts'
import type { Route } from '../route.ts'

export const imageRoutes: Route[] = [
  { method: 'GET', path: '/images/json', handle: list },
  { method: 'POST', path: '/images/create', handle: create },
  { method: 'POST', path: '/images/load', handle: load },
  { method: 'POST', path: '/images/prune', handle: async (call) => call.json(await call.engine.images.prune(call.query.filters())) },
  { method: 'GET', path: '/images/get', handle: (call) => save(call, call.query.strings('names')) },
  { method: 'GET', path: '/images/search', handle: search },
  { method: 'GET', path: '/images/{name...}/get', handle: (call) => save(call, [call.ref]) },
  { method: 'GET', path: '/images/{name...}/json', handle: inspect },
  { method: 'GET', path: '/images/{name...}/history', handle: async (call) => call.json(await call.engine.images.history(call.ref, platformOf(call))) },
  { method: 'POST', path: '/images/{name...}/tag', handle: tag },
  { method: 'POST', path: '/images/{name...}/push', handle: push },
  { method: 'DELETE', path: '/images/{name...}', handle: remove },
]

async function list(call: Call): Promise<void> {
  const images = await call.engine.images.list({
    all: call.query.bool('all'),
    filters: call.query.filters(),
    digests: call.query.bool('digests'),
    sharedSize: call.query.bool('shared-size'),
    manifests: call.minor >= 47 && call.query.bool('manifests'),
  })
  const counts = call.minor < 51 ? undefined : await usersOfImages(call)
  call.json(images.map((image) => imageRowFor(call.minor, { ...image, Containers: counts === undefined ? -1 : (counts.get(image['Id']) ?? 0) })))
}

async function inspect(call: Call): Promise<void> {
  const manifests = call.minor >= 48 && call.query.bool('manifests')
  const platform = call.minor >= 49 ? platformOf(call) : undefined
  if (manifests && platform !== undefined) throw new GantryError('InvalidParameter', 'conflicting options: manifests and platform options cannot both be set')
  const image = await call.engine.images.inspect(call.ref, { manifests, ...(platform !== undefined && { platform }) })
  call.json(imageFor(call.minor, image))
}

/** How many containers each image has, by its id. */
async function usersOfImages(call: Call): Promise<Map<unknown, number>> {
  const counts = new Map<unknown, number>()
  for (const { ImageID } of await call.engine.containers.list({ all: true, limit: 0, size: false, filters: new Map() })) counts.set(ImageID, (counts.get(ImageID) ?? 0) + 1)
  return counts
}

async function create(call: Call): Promise<void> {
  if (call.query.has('fromImage')) return pull(call)
  const source = call.query.string('fromSrc')
  const repository = call.query.optional('repo')
  const request = {
    reference: repository === undefined ? undefined : withTag(repository, call.query.optional('tag')),
    message: call.query.optional('message'),
    changes: call.query.strings('changes'),
    platform: call.query.optional('platform'),
  }
  if (source === '-') return call.json({ status: await call.engine.images.importTar(call.body, request) })
  await streamProgress(call, async (progress) => progress({ status: await call.engine.images.importFrom(source, { ...request, signal: call.signal() }, progress) }))
}

async function pull(call: Call): Promise<void> {
  const name = call.query.string('fromImage')
  const tag = call.query.optional('tag')
  const isNamed = /@|:[^/]*$/.test(name)
  await streamProgress(call, (progress) =>
    call.engine.images.pull(
      {
        reference: tag === undefined ? name : tag.includes(':') ? `${name}@${tag}` : `${name}:${tag}`,
        allTags: tag === undefined && !isNamed,
        platform: call.query.optional('platform'),
        credentials: registryCredentials(call),
        signal: call.signal(),
      },
      progress,
    ),
  )
}

async function push(call: Call): Promise<void> {
  const tag = call.query.optional('tag')
  const platform = platformOf(call)
  await streamProgress(call, (progress) =>
    call.engine.images.push(
      {
        reference: tag === undefined ? call.ref : `${call.ref}:${tag}`,
        allTags: tag === undefined,
        platform,
        credentials: registryCredentials(call),
        signal: call.signal(),
      },
      progress,
    ),
  )
}

function platformOf(call: Call): string | undefined {
  const texts = call.query.strings('platform').filter((text) => text !== '')
  if (texts.length > 1) throw new GantryError('InvalidParameter', 'specifying multiple platforms is not supported')
  return texts[0] === undefined ? undefined : platformText(texts[0])
}

/** JSON of an OCI platform, or its text. */
function platformText(text: string): string {
  if (!text.startsWith('{')) return text
  try {
    const { os = '', architecture = '', variant } = JSON.parse(text) as { os?: string; architecture?: string; variant?: string }
    return [os, architecture, variant].filter((part) => part).join('/')
  } catch (cause) {
    throw new GantryError('InvalidParameter', `failed to parse platform: ${messageOf(cause)}`, { cause })
  }
}

async function search(call: Call): Promise<void> {
  call.json(
    await call.engine.images.search({
      term: call.query.string('term'),
      limit: call.query.int('limit') ?? 0,
      filters: call.query.filters(),
      credentials: registryCredentials(call),
    }),
  )
}

async function load(call: Call): Promise<void> {
  const { response } = call
  const quiet = call.query.bool('quiet', true)
  let written: Promise<void> = Promise.resolve()
  const progress = (line: string): void => {
    if (quiet && !line.startsWith('Loaded image')) return
    if (!response.headersSent) call.begin('application/json')
    written = call.write({ stream: line.endsWith('\n') ? line : `${line}\n` })
  }
  try {
    await call.engine.images.load(call.body, progress, { platform: platformOf(call) })
  } catch (error) {
    if (!response.headersSent) throw error
    await call.writeText(progressError(error))
  }
  if (!response.headersSent) call.begin('application/json')
  await written
  response.end()
}

async function save(call: Call, references: string[]): Promise<void> {
  await call.stream('application/x-tar', await call.engine.images.save(references, { platform: platformOf(call) }))
}

async function tag(call: Call): Promise<void> {
  await call.engine.images.tag(call.ref, withTag(call.query.string('repo'), call.query.optional('tag')))
  call.empty(201)
}

async function remove(call: Call): Promise<void> {
  const platforms = call.minor >= 50 ? call.query.strings('platforms').filter((text) => text !== '').map(platformText) : []
  call.json(await call.engine.images.remove(call.ref, { force: call.query.bool('force'), noPrune: call.query.bool('noprune'), platforms }))
}

function withTag(repository: string, tag: string | undefined): string {
  if (repository.includes('@')) throw new GantryError('InvalidParameter', 'refusing to create a tag with a digest reference')
  return tag === undefined ? repository : `${repository}:${tag}`
}
