import { Worker } from 'node:worker_threads'
import type { CompressionJob, CompressionMessage } from './compression-thread.ts'
import { makeRing, type RingMemory } from './ring.ts'

/** Milliseconds that a thread without work stays. */
const patience = 2000
/** Threads at a time; further jobs wait in line. */
const most = 2
const limits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 }

interface Thread {
  worker: Worker
  ring: RingMemory
}

const idle: Thread[] = []
const waiting: (() => void)[] = []
let running = 0
let clearing: NodeJS.Timeout | undefined

/** A thread that does one job. */
export interface Borrowed {
  /** Its own, for one job after the other. */
  ring: RingMemory
  start(job: CompressionJob): void
  /** @throws when the thread ended by itself */
  next(): Promise<CompressionMessage>
  /** To be called once; a thread whose job has not ended is ended with it. */
  giveBack(): void
}

export async function borrowThread(): Promise<Borrowed> {
  if (running < most) running++
  else await new Promise<void>((resolve) => waiting.push(resolve))
  const thread = idle.pop() ?? startThread()
  const { worker, ring } = thread
  worker.ref()
  const queue: CompressionMessage[] = []
  let isBusy = false
  let failure: Error | undefined
  let wake: (() => void) | undefined
  const onMessage = (message: CompressionMessage): void => {
    if (message.kind !== 'slot') isBusy = false
    queue.push(message)
    wake?.()
  }
  const onEnd = (cause: unknown): void => {
    failure ??= cause instanceof Error ? cause : new Error('the thread for compression has ended')
    wake?.()
  }
  worker.on('message', onMessage).on('error', onEnd).on('exit', onEnd)
  return {
    ring,
    start(job) {
      isBusy = true
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(job)
    },
    async next() {
      while (queue.length === 0) {
        if (failure) throw failure
        await new Promise<void>((resolve) => (wake = resolve))
      }
      return queue.shift()!
    },
    giveBack() {
      worker.off('message', onMessage).off('error', onEnd).off('exit', onEnd)
      const next = waiting.shift()
      if (failure === undefined && !isBusy) rest(thread)
      else void worker.terminate()
      if (next === undefined) running--
      else next()
    },
  }
}

function rest(thread: Thread): void {
  thread.worker.unref()
  idle.push(thread)
  clearTimeout(clearing)
  clearing = setTimeout(() => {
    for (const { worker } of idle.splice(0)) void worker.terminate()
  }, patience).unref()
}

function forget(worker: Worker): void {
  const at = idle.findIndex((each) => each.worker === worker)
  if (at !== -1) idle.splice(at, 1)
}

/** Its program is a source beside this one, or a bundle beside the bundle that this is in. */
function startThread(): Thread {
  const program = new URL(import.meta.url.endsWith('.ts') ? './compression-thread.ts' : './compression-thread.js', import.meta.url)
  const worker = new Worker(program, { resourceLimits: limits, execArgv: [] })
  // One that ends while it rests is missed by nobody.
  worker.on('error', () => forget(worker)).on('exit', () => forget(worker))
  return { worker, ring: makeRing() }
}
