import { createGzip } from 'node:zlib'
import { Readable } from 'node:stream'
import { diffTar } from '../../containerd/snapshots/tree/diff-tar.ts'
import { treeSteps } from '../../containerd/snapshots/tree/tree-steps.ts'
import { Pace } from '../../lib/pace.ts'
import { unpackStream } from '../copy/unpack-archive.ts'
import type { OciBlob } from '../export/content.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'

/** The directory of a cache mount as an archive, taken while nobody else is in it; undefined when there is none of that name. */
export async function packCacheMount({ cacheMounts, kernel, core }: BuildRoom, job: BuildJob, id: string): Promise<OciBlob | undefined> {
  if (!cacheMounts.has(id)) return undefined
  const { path, release } = await cacheMounts.take({ id, sharing: 'locked', mode: 0o755, uid: 0, gid: 0 }, job.signal)
  const packed = core.content.ingest()
  job.cleanups.push(() => packed.abort())
  try {
    const tar = Readable.from(diffTar(kernel, treeSteps(kernel, path, undefined)), { objectMode: false, signal: job.signal })
    const packer = createGzip()
    tar.once('error', (error) => packer.destroy(error))
    for await (const chunk of tar.pipe(packer) as AsyncIterable<Buffer>) packed.write(chunk)
  } finally {
    release()
  }
  return { digest: packed.seal(), size: packed.size, open: () => packed.read() }
}

/** What fills a new cache mount from such an archive. No member leads out of it. */
export function seedFromArchive({ kernel }: BuildRoom, { signal }: BuildJob, open: () => Promise<AsyncIterable<Uint8Array>>): (directory: string) => Promise<void> {
  return async (directory) => {
    await unpackStream(kernel, { stream: await open(), directory, pace: new Pace(signal), through: (handler) => handler })
  }
}
