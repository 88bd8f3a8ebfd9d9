import { Readable } from 'node:stream'
import { references, type StoredImage } from '../../containerd/images/image-database.ts'
import { parseImageDocument } from '../../containerd/images/image-document.ts'
import { saveImages } from '../../containerd/images/save-images.ts'
import { diffTar } from '../../containerd/snapshots/tree/diff-tar.ts'
import { treeSteps } from '../../containerd/snapshots/tree/tree-steps.ts'
import { GantryError } from '../../lib/errors.ts'
import { parseReference } from '../../lib/reference.ts'
import type { ExportSpec } from '../contract.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import { platformText } from '../plan/platform.ts'
import type { Platform } from '../plan/contract.ts'
import { TarFilter } from '../../lib/tar/filter.ts'
import { tarEntry, type TarEntry } from '../../lib/tar/entry.ts'
import { writeTar } from '../../lib/tar/writer.ts'
import type { OciContent } from './content.ts'
import { cutTimes } from './cut-times.ts'
import { layoutTar, storeContent } from './send-content.ts'
import type { BuiltImage } from './export-image.ts'

/** A docker-archive that is an OCI layout too. The image need not be in the store. */
export async function exportArchive({ core }: BuildRoom, job: BuildJob, { spec, built, names }: { spec: ExportSpec; built: BuiltImage; names: readonly string[] }): Promise<void> {
  const image: StoredImage = { id: built.id, document: parseImageDocument(JSON.parse(built.bytes.toString())), layers: [...built.stack], lastTagged: undefined }
  job.cleanups.push(core.holds.hold(references(image)))
  if (!core.database.images.has(image.id)) core.database.addPending([{ kind: 'blob', key: image.id }])
  const config = core.content.ingest()
  try {
    config.write(built.bytes)
    await config.commit()
  } finally {
    config.abort()
  }
  await send(spec, saveImages(core, [{ image, names: names.map(parseReference) }]), job)
}

/** What an image of the store cannot say: an OCI layout, as a tar or into a directory of the client. */
export async function exportContent(job: BuildJob, { spec, content, names, image }: { spec: ExportSpec; content: OciContent; names: readonly string[]; image?: BuiltImage }): Promise<void> {
  if (spec.content !== undefined) return await storeContent(spec.content, content)
  const docker = spec.type !== 'docker' || image === undefined ? undefined : { config: image.id, layers: layersOf(content, image) }
  await send(spec, layoutTar(content, { names, ...(docker && { docker }) }), job)
}

/** Digests of an image's layers as its manifest lists them. */
function layersOf({ documents }: OciContent, { id }: BuiltImage): string[] {
  for (const { bytes } of documents) {
    const { config, layers } = JSON.parse(bytes.toString()) as { config?: { digest: string }; layers?: { digest: string }[] }
    if (config?.digest === id) return (layers ?? []).map(({ digest }) => digest)
  }
  return []
}

/** Root file systems: `tar`, and `local`, which the receiver unpacks. Of several platforms each has a directory, unless `platform-split=false`. */
export async function exportTrees({ kernel }: BuildRoom, job: BuildJob, { spec, roots }: { spec: ExportSpec; roots: readonly { platform: Platform; root: string }[] }): Promise<void> {
  const epoch = job.request.sourceDateEpoch
  const asked = spec.attributes['platform-split']
  const split = asked === undefined ? roots.length > 1 : /^(1|t|true)$/i.test(asked)
  const tars = roots.map(({ platform, root }) => {
    const tar = diffTar(kernel, treeSteps(kernel, root, undefined))
    const cut = epoch === undefined ? tar : cutTimes(tar, epoch)
    return split ? below(platformText(platform).replaceAll('/', '_'), cut) : cut
  })
  await send(spec, tars.length === 1 && !split ? tars[0]! : joined(tars), job)
}

/** The same members, in a directory. */
function below(directory: string, tar: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const change = (entry: TarEntry): TarEntry => ({ ...entry, name: `${directory}/${entry.name.replace(/^(\.?\/)+/, '')}`, ...(entry.type === 'link' && { linkName: `${directory}/${entry.linkName.replace(/^(\.?\/)+/, '')}` }) })
  return joined([writeTar([{ entry: tarEntry({ name: `${directory}/`, type: 'directory', mode: 0o755 }) }]), new TarFilter(() => true, change).copy(tar)])
}

/** Archives one after the other, with one end. What filters write last is the end. */
async function* joined(tars: readonly AsyncIterable<Uint8Array>[]): AsyncGenerator<Uint8Array, void, undefined> {
  let end: Uint8Array = Buffer.alloc(1024)
  for (const tar of tars) {
    let last: Uint8Array | undefined
    for await (const chunk of new TarFilter(() => true).copy(tar)) {
      if (last !== undefined) yield last
      last = chunk
    }
    end = last ?? end
  }
  yield end
}

async function send(spec: ExportSpec, bytes: AsyncIterable<Uint8Array>, { signal }: BuildJob): Promise<void> {
  if (spec.output === undefined) throw new GantryError('InvalidParameter', `output file is required for ${spec.type} exporter. refusing to write to console`)
  const stream = Readable.from(bytes, { objectMode: false, signal })
  try {
    await spec.output(stream)
  } finally {
    stream.destroy()
  }
}
