import { parentPort } from 'node:worker_threads'
import { compress, type CompressJob } from './compress-job.ts'
import { inflate, type InflateJob } from './inflate-job.ts'

export type CompressionJob = InflateJob | CompressJob

/** What the thread says of a job, in order: filled slots of the ring, then the end or a failure. */
export type CompressionMessage =
  | { kind: 'slot'; length: number; read: number }
  /** Of what came out. */
  | { kind: 'end'; digest: string; size: number }
  | { kind: 'failed'; message: string; code: string | undefined }

/** The main program of the thread: one job after the other. */
if (parentPort !== null) {
  const port = parentPort
  const say = (message: CompressionMessage): void => port.postMessage(message)
  port.on('message', (job: CompressionJob) => {
    try {
      say({ kind: 'end', ...run(job, say) })
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException
      say({ kind: 'failed', message, code })
    }
  })
}

function run(job: CompressionJob, say: (message: CompressionMessage) => void): { digest: string; size: number } {
  if (job.kind === 'compress') return compress(job)
  let size = 0
  const digest = inflate(job, (length, read) => {
    size += length
    say({ kind: 'slot', length, read })
  })
  return { digest, size }
}
