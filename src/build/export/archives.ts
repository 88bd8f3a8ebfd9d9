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
import { cutTimes } from './cut-times.ts'
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

/** The root file system: `tar`, and `local`, which the receiver unpacks. */
export async function exportTree({ kernel }: BuildRoom, job: BuildJob, { spec, root }: { spec: ExportSpec; root: string }): Promise<void> {
  const epoch = job.request.sourceDateEpoch
  const tar = diffTar(kernel, treeSteps(kernel, root, undefined))
  await send(spec, epoch === undefined ? tar : cutTimes(tar, epoch), job)
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
