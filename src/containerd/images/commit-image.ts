import { GantryError } from '../../lib/errors.ts'
import type { Ingest } from '../content/ingest.ts'
import type { ContainerConfig } from '../../engine/types/container-config.ts'
import type { Image } from './contract.ts'
import { sweep, type ImageCore } from './image-core.ts'
import { references, type StoredImage, type StoredLayer } from './image-database.ts'
import { chainIds, parseImageDocument } from './image-document.ts'
import { LayerTar } from './layer-tar.ts'

/** What `docker commit` makes an image of. */
export interface CommitImage {
  /** Id of the image that the container was made from. */
  parent: string
  /** Uncompressed tar of what was changed, with OCI whiteouts. */
  layer: AsyncIterable<Uint8Array>
  /** Asked once the layer has been read: nothing was changed. */
  isEmpty: () => boolean
  config: ContainerConfig
  container: { id: string; config: ContainerConfig }
  author?: string
  comment?: string
}

/** Makes an image of a parent and one more layer; nothing is left of it on failure. */
export async function commitImage(core: ImageCore, request: CommitImage): Promise<StoredImage> {
  parentOf(core, request.parent)
  const layer = core.content.ingest()
  const config = core.content.ingest()
  try {
    for await (const chunk of request.layer) layer.write(chunk)
    const diffId = layer.seal()
    return await core.exclusive(async () => {
      const parent = parentOf(core, request.parent)
      const added = request.isEmpty() ? undefined : { diffId, chainId: chainIds([...parent.layers.map((each) => each.diffId), diffId]).at(-1)! }
      const bytes = Buffer.from(JSON.stringify(imageDocument(parent, request, added?.diffId)))
      const document = parseImageDocument(JSON.parse(bytes.toString()))
      config.write(bytes)
      const id = config.seal()
      const planned = added === undefined ? [] : [{ ...added, blob: diffId, tarSize: layer.size, size: 0 }]
      core.database.addPending(references({ id, layers: planned }))
      try {
        const layers = added === undefined ? parent.layers : [...parent.layers, await addLayer(core, layer, { ...added, parent })]
        await config.commit()
        core.database.add({ id, document, layers, lastTagged: undefined, parent: parent.id }, bytes, [])
        return core.database.images.get(id)!
      } catch (error) {
        await sweep(core).catch(() => undefined) // the first failure is the one to show; rows stay for the next sweep
        throw error
      }
    })
  } finally {
    layer.abort()
    config.abort()
  }
}

function parentOf(core: ImageCore, id: string): StoredImage {
  const parent = core.database.images.get(id)
  if (parent === undefined) throw new GantryError('NotFound', `No such image: ${id}`)
  return parent
}

async function addLayer(core: ImageCore, blob: Ingest, added: { diffId: string; chainId: string; parent: StoredImage }): Promise<StoredLayer> {
  const { diffId, chainId, parent } = added
  const tar = new LayerTar({ path: blob.path, digest: blob.seal() }, { diffId, at: parent.layers.length })
  const { size } = await core.snapshotter.extract({ chainId, parent: parent.layers.at(-1)?.chainId, tar })
  const { digest } = await blob.commit()
  return { diffId, chainId, blob: digest, tarSize: blob.size, size }
}

/** Docker's keys, sorted as Docker sorts them. */
function imageDocument(parent: StoredImage, request: CommitImage, diffId: string | undefined): Record<string, unknown> {
  const { document } = parent
  const { author, comment, container } = request
  const created = new Date().toISOString()
  const step: Image['history'][number] = {
    created,
    ...(author && { author }),
    ...(container.config.Cmd?.length && { created_by: container.config.Cmd.join(' ') }),
    ...(comment && { comment }),
    ...(diffId === undefined && { empty_layer: true }),
  }
  const { architecture, os, variant } = document
  const extra = document as unknown as Record<string, unknown>
  const keys: Record<string, unknown> = {
    architecture: architecture ?? '',
    ...(author && { author }),
    ...(comment && { comment }),
    config: storedConfig(request.config),
    container: container.id,
    container_config: storedConfig(container.config),
    created,
    history: [...(document.history ?? []), step],
    os: os ?? 'linux',
    ...(extra['os.features'] !== undefined && { 'os.features': extra['os.features'] }),
    ...(extra['os.version'] !== undefined && { 'os.version': extra['os.version'] }),
    rootfs: { type: 'layers', diff_ids: [...document.rootfs.diff_ids, ...(diffId === undefined ? [] : [diffId])] },
    ...(variant && { variant }),
  }
  return keys
}

/** A configuration with the keys that Docker always writes, in its order. */
function storedConfig(config: ContainerConfig): Record<string, unknown> {
  const { ExposedPorts, Healthcheck, ArgsEscaped, NetworkDisabled, StopSignal, StopTimeout, Shell } = config
  return {
    Hostname: config.Hostname ?? '',
    Domainname: config.Domainname ?? '',
    User: config.User ?? '',
    AttachStdin: config.AttachStdin ?? false,
    AttachStdout: config.AttachStdout ?? false,
    AttachStderr: config.AttachStderr ?? false,
    ...(ExposedPorts && Object.keys(ExposedPorts).length > 0 && { ExposedPorts }),
    Tty: config.Tty ?? false,
    OpenStdin: config.OpenStdin ?? false,
    StdinOnce: config.StdinOnce ?? false,
    Env: config.Env ?? null,
    Cmd: config.Cmd ?? null,
    ...(Healthcheck && { Healthcheck }),
    ...(ArgsEscaped && { ArgsEscaped }),
    Image: config.Image ?? '',
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: config.Entrypoint ?? null,
    ...(NetworkDisabled && { NetworkDisabled }),
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? null,
    ...(StopSignal && { StopSignal }),
    ...(StopTimeout !== undefined && StopTimeout !== null && { StopTimeout }),
    ...(Shell?.length && { Shell }),
  }
}
