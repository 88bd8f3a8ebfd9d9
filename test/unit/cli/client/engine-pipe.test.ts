import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type EngineSocket, openPipe } from '../../../../src/cli/client/engine-pipe.ts'

async function withServer(serve: (socket: Socket) => void, use: (pipe: EngineSocket) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-pipe-'))
  const path = join(directory, 's')
  const server = createServer({ allowHalfOpen: true }, serve).listen(path)
  await once(server, 'listening')
  try {
    const pipe = await openPipe(path)
    assert.ok(pipe !== undefined, 'this Node has no such parts')
    await use(pipe)
    pipe.destroy()
  } finally {
    // A connection that a failed test left open must not hold the process.
    server.close().unref()
    rmSync(directory, { recursive: true })
  }
}

async function readToEnd(pipe: EngineSocket): Promise<Buffer> {
  const chunks: Buffer[] = []
  const take = (): void => {
    for (let chunk = pipe.read(); chunk !== null; chunk = pipe.read()) chunks.push(chunk as Buffer)
  }
  pipe.on('readable', take)
  const ended = new Promise<void>((resolve) => pipe.on('end', () => resolve()))
  take()
  await ended
  take()
  return Buffer.concat(chunks)
}

test('text and bytes arrive, and come back', async () => {
  await withServer(
    (socket) => {
      let received = Buffer.alloc(0)
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk])
        if (received.length === 2_000_005) socket.end(received)
      })
    },
    async (pipe) => {
      pipe.write('tëxt')
      pipe.write(Buffer.alloc(2_000_000, 7))
      const back = await readToEnd(pipe)
      assert.deepEqual([back.length, back.subarray(0, 5).toString(), back.at(-1)], [2_000_005, 'tëxt', 7])
    },
  )
})

test('what is not read holds the sender back', async () => {
  const size = 30_000_000
  let sent = 0
  await withServer(
    (socket) => {
      socket.write(Buffer.alloc(size, 1), () => (sent = size))
      socket.end()
    },
    async (pipe) => {
      await new Promise<void>((resolve) => pipe.on('readable', resolve as () => void))
      await new Promise((resolve) => setTimeout(resolve, 100))
      assert.equal(sent, 0)
      assert.equal((await readToEnd(pipe)).length, size)
    },
  )
})

test('who is not there is said as node:net says it', async () => {
  await assert.rejects(openPipe('/nonexistent/gantry.sock') ?? Promise.resolve(), { code: 'ENOENT' })
})

test('the end of a connection is an event, as is its destruction', async () => {
  await withServer(
    (socket) => socket.destroy(),
    async (pipe) => {
      await new Promise<void>((resolve) => pipe.on('end', () => resolve()))
      const closed = new Promise<void>((resolve) => pipe.on('close', () => resolve()))
      pipe.destroy()
      await closed
      assert.equal(pipe.destroyed, true)
    },
  )
})
