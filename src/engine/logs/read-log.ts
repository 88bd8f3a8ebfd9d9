import { Readable } from 'node:stream'
import type { LogRules } from '../../shim/log-rules.ts'
import { GrowthWatch } from './follow.ts'
import { LogFormatter } from './format.ts'
import type { LogFormat } from './format.ts'
import type { Generation } from './generations.ts'
import { framedSize } from './framed-size.ts'
import { LogCursor } from './log-cursor.ts'
import { jsonTail, localTail } from './tail.ts'

export interface ReadLog extends LogFormat {
  path: string
  /** json-file unless told. */
  format?: LogRules['format']
  /** Lines from the end; undefined: all. */
  tail?: number
  /** Follow the log until this settles; undefined: end at the end of it. */
  followUntil?: Promise<unknown>
}

const chunkSize = 256 * 1024
/** Milliseconds by which the time of a file may be behind that of its last line: file systems look at the clock less often. */
const clockTick = 1000

/** A log as the logs endpoint sends it. A missing file is an empty log. Reads no faster than it is read. */
export function readLog(options: ReadLog): Readable {
  const abort = new AbortController()
  const stream = Readable.from(produce(options, abort.signal), { objectMode: false, highWaterMark: chunkSize })
  stream.once('close', () => abort.abort())
  return stream
}

async function* produce(options: ReadLog, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { path, format = 'json', followUntil, until } = options
  const cursor = await LogCursor.open({ path, format, begin: (generations) => first(generations, options) })
  if (cursor === undefined) return
  const watch = followUntil === undefined || signal.aborted ? undefined : new GrowthWatch(path, { ended: followUntil, until })
  const stop = (): void => watch?.stop()
  signal.addEventListener('abort', stop)
  try {
    const formatter = new LogFormatter(options)
    for (let goesOn = watch !== undefined; ; goesOn = await watch!.next()) {
      for await (const { buffer, end } of cursor.available()) {
        yield* format === 'local' ? formatter.formatFrames(buffer, end) : formatter.format(buffer, end)
        if (formatter.done) return
      }
      if (!goesOn || signal.aborted) return
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
    await cursor.close()
  }
}

/** Where the lines begin that are wanted. */
async function first(generations: readonly Generation[], { format, tail, since }: ReadLog): Promise<{ generation: Generation; offset: number }> {
  const newest = generations.at(-1) as Generation
  if (tail === undefined) {
    const milliseconds = since === undefined ? 0 : Number(since / 1_000_000n) - clockTick
    return { generation: generations.find(({ modified }) => modified >= milliseconds) ?? newest, offset: 0 }
  }
  let wanted = tail
  for (const generation of generations.toReversed()) {
    const file = await generation.contents()
    const { size } = await file.stat()
    const { offset, found } = format === 'local' ? await localTail(file, await framedSize(file, size), wanted) : await jsonTail(file, size, wanted)
    wanted -= found
    if (wanted <= 0) return { generation, offset }
  }
  return { generation: generations[0] as Generation, offset: 0 }
}
