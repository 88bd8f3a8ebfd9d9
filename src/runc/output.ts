import { writeSync } from 'node:fs'

/** Writes to a descriptor of the caller. The streams of `process` would make its pipes non-blocking, which containers share. */
export function writeOut(descriptor: 1 | 2, text: string): void {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EPIPE') return
      if (code !== 'EAGAIN') throw error
    }
  }
}

export function warn(warnings: readonly string[]): void {
  for (const text of warnings) writeOut(2, `time="${new Date().toISOString()}" level=warning msg=${JSON.stringify(text)}\n`)
}
