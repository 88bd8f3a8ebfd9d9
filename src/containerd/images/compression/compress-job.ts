import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { isDense } from './density.ts'
import { ZlibSteps } from './zlib-steps.ts'

/** A file to compress into another, which is empty. */
export interface CompressJob {
  kind: 'compress'
  path: string
  target: string
}

/** Nearly twice as fast as zlib's usual 6, for blobs that are a fiftieth larger. */
const usual = 4
/** For what is compressed already: programs' archives, pictures, fonts. Trying takes the time and gains nothing. */
const stored = 0

const input = Buffer.alloc(256 << 10)
const output = Buffer.alloc(256 << 10)

/** Compresses by gzip, one member for each run of one level; the same file always gives the same bytes. */
export function compress({ path, target }: CompressJob): { digest: string; size: number } {
  const hash = createHash('sha256')
  const source = openSync(path, 'r')
  const file = openSync(target, 'w', 0o600)
  let level = usual
  let gzip: ZlibSteps | undefined
  let size = 0
  const put = (made: number): boolean => {
    const bytes = output.subarray(0, made)
    hash.update(bytes)
    for (let at = 0; at < made; ) at += writeSync(file, bytes, at)
    size += made
    return made < output.length
  }
  const open = (): ZlibSteps => (gzip ??= new ZlibSteps('gzip', level))
  const finish = (): void => {
    const member = open()
    while (!put(member.finish(output).made));
    member.close()
    gzip = undefined
  }
  try {
    for (let length = readSync(source, input); length > 0; length = readSync(source, input)) {
      let rest = input.subarray(0, length)
      const wanted = isDense(rest) ? stored : usual
      if (wanted !== level && gzip !== undefined) finish()
      level = wanted
      const member = open()
      for (let isDone = false; !isDone; ) {
        const step = member.step(rest, output)
        rest = rest.subarray(step.used)
        isDone = put(step.made)
      }
    }
    // An empty file is an empty member.
    if (gzip !== undefined || size === 0) finish()
  } finally {
    closeSync(source)
    closeSync(file)
  }
  return { digest: `sha256:${hash.digest('hex')}`, size }
}
