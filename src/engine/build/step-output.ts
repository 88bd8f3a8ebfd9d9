import type { Readable } from 'node:stream'
import { stdcopyHeaderSize } from '../attach/stdcopy.ts'

/** Takes the frames of a session apart. Settles when it has ended. */
export async function stepOutput(session: Readable, output: (stream: 1 | 2, data: Uint8Array) => void): Promise<void> {
  let rest: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of session as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let at = 0
      while (rest.length - at >= stdcopyHeaderSize) {
        const end = at + stdcopyHeaderSize + rest.readUInt32BE(at + 4)
        if (rest.length < end) break
        output(rest[at] === 2 ? 2 : 1, rest.subarray(at + stdcopyHeaderSize, end))
        at = end
      }
      rest = rest.subarray(at)
    }
  } finally {
    session.destroy()
  }
}
