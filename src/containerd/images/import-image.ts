import { createHash } from 'node:crypto'
import type { Ingest } from '../content/ingest.ts'
import { GantryError } from '../../lib/errors.ts'
import { spent } from '../../lib/spent-bytes.ts'
import { fullString, type Reference } from '../../lib/reference.ts'
import type { ContainerConfig } from '../../engine/types/container-config.ts'
import type { ImportImage } from './contract.ts'
import { compressionOf, decompressed } from './decompress.ts'
import type { ImageCore } from './image-core.ts'
import type { StoredImage } from './image-database.ts'
import { registerImage } from './register-image.ts'
import { withWholeSource } from './whole-source.ts'

/** Makes a one-layer image of a root file system tar. */
export async function importImage(core: ImageCore, source: AsyncIterable<Uint8Array>, options: ImportImage, name: Reference | undefined): Promise<StoredImage> {
  const { config = {} } = options
  const platform = parsePlatform(options.platform)
  const layer = core.content.ingest()
  const document = core.content.ingest()
  try {
    await withWholeSource(source, async (lent) => {
      for await (const chunk of lent) {
        layer.write(chunk)
        spent(chunk.length)
      }
    })
    if (layer.size === 0) throw new GantryError('InvalidParameter', 'cannot import archive: it is empty')
    const diffId = await plainDigest(layer)
    document.write(Buffer.from(JSON.stringify(imageDocument({ config, diffId, message: options.message ?? 'Imported from -', platform }))))
    const candidate = { config: document, configName: 'configuration', layers: [layer], names: [] }
    return await core.exclusive(async () => {
      document.seal()
      return await registerImage(core, candidate, name === undefined ? [] : [fullString(name)])
    })
  } finally {
    layer.abort()
    document.abort()
  }
}

async function plainDigest(layer: Ingest): Promise<string> {
  const digest = layer.seal()
  const head = await firstBytes(layer)
  if (compressionOf(head) === 'none') return digest
  const hash = createHash('sha256')
  for await (const chunk of decompressed(layer.read())) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

async function firstBytes(layer: Ingest): Promise<Buffer> {
  for await (const chunk of layer.read()) return chunk as Buffer
  return Buffer.alloc(0)
}

interface Platform {
  os: string
  architecture: string
  variant?: string
}

/** Keys in the order in which Docker writes them. */
function imageDocument(parts: { config: ContainerConfig; diffId: string; message: string; platform: Platform }): Record<string, unknown> {
  const created = new Date().toISOString()
  const { os, architecture, variant } = parts.platform
  return {
    comment: parts.message,
    created,
    config: parts.config,
    architecture,
    ...(variant !== undefined && { variant }),
    os,
    rootfs: { type: 'layers', diff_ids: [parts.diffId] },
    history: [{ created, comment: parts.message }],
  }
}

const hostArchitecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

function parsePlatform(text: string | undefined): Platform {
  if (text === undefined || text === '') return { os: 'linux', architecture: hostArchitecture }
  const parts = text.toLowerCase().split('/')
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) {
    throw new GantryError('InvalidParameter', `${JSON.stringify(text)} is an invalid component of a platform`)
  }
  const [first, second, variant] = parts
  if (second === undefined) return first === 'linux' ? { os: 'linux', architecture: hostArchitecture } : { os: 'linux', architecture: first! }
  if (first !== 'linux') throw new GantryError('InvalidParameter', 'operating system is not supported')
  return { os: first, architecture: second, ...(variant !== undefined && { variant }) }
}
