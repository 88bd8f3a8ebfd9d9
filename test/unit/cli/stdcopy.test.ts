import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { demultiplex } from '../../../src/cli/terminal/stdcopy.ts'

class Collector extends Writable {
  text = ''
  constructor(highWaterMark: number) {
    super({ highWaterMark, decodeStrings: true })
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('latin1')
    setImmediate(done)
  }
}

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(Buffer.byteLength(text, 'latin1'), 4)
  return Buffer.concat([header, Buffer.from(text, 'latin1')])
}

async function* cut(bytes: Buffer, sizes: number[]): AsyncGenerator<Buffer> {
  let at = 0
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length]!
    yield bytes.subarray(at, at + size)
    at += size
  }
}

void test('frames come out whole and apart however they are cut, through slow targets', async () => {
  const frames = fc.array(fc.record({ stream: fc.constantFrom(1, 2), text: fc.string({ maxLength: 40 }).map((text) => Buffer.from(text).toString('latin1')) }), { maxLength: 20 })
  const sizes = fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(frames, sizes, async (list, cuts) => {
      const bytes = Buffer.concat(list.map(({ stream, text }) => frame(stream, text)))
      const [stdout, stderr] = [new Collector(3), new Collector(3)]
      await demultiplex(cut(bytes, cuts), { stdout, stderr, head: Buffer.alloc(0) })
      await Promise.all([stdout, stderr].map((stream) => new Promise((resolve) => stream.end(resolve))))
      const of = (wanted: number) => list.filter(({ stream }) => stream === wanted).map(({ text }) => text).join('')
      assert.equal(stdout.text, of(1))
      assert.equal(stderr.text, of(2))
    }),
    { numRuns: 60 },
  )
})

void test('a frame begun with the response head is finished from the socket', async () => {
  const bytes = frame(1, 'hello')
  const stdout = new Collector(100)
  await demultiplex(cut(bytes.subarray(10), [100]), { stdout, stderr: undefined, head: bytes.subarray(0, 10) })
  await new Promise((resolve) => stdout.end(resolve))
  assert.equal(stdout.text, 'hello')
})

void test('an error of the engine in the stream is thrown', async () => {
  const source = cut(frame(3, 'disk on fire'), [100])
  await assert.rejects(demultiplex(source, { stdout: undefined, stderr: undefined }), /disk on fire/)
})
