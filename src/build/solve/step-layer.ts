import { chainIds } from '../../containerd/images/image-document.ts'
import type { StoredLayer } from '../../containerd/images/image-database.ts'
import { inPieces, inTurns } from '../../lib/tar/pieces.ts'
import { spent } from '../../lib/spent-bytes.ts'
import { chainOf, type Stack } from '../cache/build-cache.ts'
import { cutTimes } from '../export/cut-times.ts'
import type { BuildJob, BuildRoom } from './build-room.ts'

export interface NewLayer {
  /** Of the snapshot, unmounted. */
  key: string
  /** What the layer goes upon: what the snapshot was prepared upon, unless the layer is independent of it. */
  parent: Stack
  independent: boolean
  /** The layer itself; then the snapshot is as it was. */
  archive?: Iterable<Uint8Array>
}

/**
 * Makes a layer of what a snapshot differs in, and holds it until the build ends. What it will be is written down as pending first, so
 * that a kill at any point leaves nothing.
 */
export async function makeLayer({ core }: BuildRoom, job: BuildJob, { key, parent, independent, archive }: NewLayer): Promise<StoredLayer> {
  const { content, snapshotter, database, holds } = core
  const epoch = job.request.sourceDateEpoch
  const blob = content.ingest()
  try {
    const diff = archive === undefined ? snapshotter.diff(key) : inTurns(archive)
    // An archive comes in pieces; cutting times takes it apart.
    const whole = epoch === undefined ? diff : cutTimes(diff, epoch)
    for await (const chunk of archive !== undefined && whole === diff ? diff : inPieces(whole)) {
      job.signal.throwIfAborted()
      blob.write(chunk)
      spent(chunk.length)
    }
    const diffId = blob.seal()
    const chainId = chainIds([...parent.map((layer) => layer.diffId), diffId]).at(-1)!
    const items = [{ kind: 'layer', key: chainId }, { kind: 'blob', key: diffId }] as const
    job.cleanups.push(holds.hold(items))
    database.addPending(items)
    await blob.commit()
    const committed = independent || archive !== undefined || epoch !== undefined ? undefined : await snapshotter.commit(key, chainId)
    const { size } = committed ?? (await snapshotter.extract({ chainId, parent: chainOf(parent), tar: content.read(diffId) }))
    return { diffId, chainId, blob: diffId, tarSize: blob.size, size }
  } finally {
    blob.abort()
  }
}
