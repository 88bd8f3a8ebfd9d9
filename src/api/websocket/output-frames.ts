import { Transform } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { frame, opcode } from './frame.ts'

/** Makes one message of each piece of output. Text is cut between characters, as a text frame must be valid UTF-8. */
export function outputFrames({ text }: { text: boolean }): Transform {
  const decoder = new StringDecoder('utf8')
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, text ? textFrame(decoder.write(chunk)) : frame(opcode.binary, chunk))
    },
    flush(done) {
      done(null, text ? textFrame(decoder.end()) : undefined)
    },
  })
}

/** Both streams of a container as one, without the frames of stdcopy: a header of 8 bytes with the length in the last four. */
export function withoutHeaders(): Transform {
  let header = Buffer.alloc(0)
  let rest = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let bytes = chunk
      while (bytes.length > 0) {
        if (rest === 0) {
          const missing = bytes.subarray(0, 8 - header.length)
          header = Buffer.concat([header, missing])
          bytes = bytes.subarray(missing.length)
          if (header.length < 8) break
          rest = header.readUInt32BE(4)
          header = Buffer.alloc(0)
        }
        const payload = bytes.subarray(0, rest)
        if (payload.length > 0) this.push(payload)
        rest -= payload.length
        bytes = bytes.subarray(payload.length)
      }
      done()
    },
  })
}

function textFrame(piece: string): Buffer | undefined {
  return piece === '' ? undefined : frame(opcode.text, Buffer.from(piece))
}
