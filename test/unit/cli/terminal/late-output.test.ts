import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { lateOutput } from '../../../../src/cli/terminal/late-output.ts'

function stage(): { fd: number; file: string; stream: PassThrough; loads: () => number; output: NodeJS.WriteStream; [Symbol.dispose](): void } {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-output-'))
  const file = join(directory, 'out')
  const fd = openSync(file, 'w')
  const stream = new PassThrough()
  let loads = 0
  const output = lateOutput(fd, () => {
    loads += 1
    return stream as unknown as NodeJS.WriteStream
  })
  return {
    fd, file, stream, loads: () => loads, output,
    [Symbol.dispose]() {
      closeSync(fd)
      rmSync(directory, { recursive: true })
    },
  }
}

test('what is only written to never becomes a stream', async () => {
  using at = stage()
  assert.equal(at.output.write('text ü\n'), true)
  await new Promise<void>((resolve) => at.output.write(Buffer.from('bytes\n'), () => resolve()))
  assert.deepEqual([at.output.writableLength, at.output.destroyed, at.output.isTTY], [0, false, undefined])
  assert.deepEqual([readFileSync(at.file, 'utf8'), at.loads()], ['text ü\nbytes\n', 0])
})

test('what asks for more gets the stream, with the listener that was there before', () => {
  using at = stage()
  const errors: Error[] = []
  const listener = (error: Error): void => void errors.push(error)
  at.output.on('error', listener)
  assert.equal(at.loads(), 0)
  assert.equal(at.output.writableHighWaterMark, at.stream.writableHighWaterMark)
  at.output.write('late')
  assert.deepEqual([readFileSync(at.file, 'utf8'), String(at.stream.read()), at.loads()], ['', 'late', 1])
  at.stream.emit('error', new Error('x'))
  at.output.off('error', listener)
  assert.deepEqual([errors.length, at.stream.listenerCount('error')], [1, 0])
})

test('an error of a write goes to the listener, and is thrown without one', () => {
  const output = lateOutput(1_000_000, () => new PassThrough() as unknown as NodeJS.WriteStream)
  assert.throws(() => output.write('x'), { code: 'EBADF' })
  const codes: unknown[] = []
  output.on('error', (error: NodeJS.ErrnoException) => codes.push(error.code))
  assert.equal(output.write('x'), true)
  assert.deepEqual(codes, ['EBADF'])
})
