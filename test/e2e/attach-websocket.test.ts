import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { tiny, throughEachClient, type Stage } from './harness/stories.ts'

interface Attached {
  socket: WebSocket
  /** What has come so far. */
  text: () => string
  /** The code of the close frame. */
  closed: Promise<number>
  shows: (text: string) => Promise<void>
}

async function attach(stage: Stage, id: string, query: string): Promise<Attached> {
  const socket = new WebSocket(`ws+unix:${stage.engine.socket}:/v1.41/containers/${id}/attach/ws?${query}`)
  let received = ''
  const wakes = new Set<() => void>()
  socket.on('message', (piece: Buffer) => {
    received += piece.toString()
    for (const wake of wakes) wake()
  })
  const closed = once(socket, 'close').then(([code]) => code as number)
  await once(socket, 'open')
  const shows = async (text: string): Promise<void> => {
    while (!received.includes(text)) await new Promise<void>((resolve) => wakes.add(resolve))
  }
  return { socket, text: () => received, closed, shows }
}

throughEachClient('attach by WebSocket', (stage) => {
  void test('what was logged comes first, input arrives, both streams come, and the end closes with 1000', async () => {
    await using container = await stage.container('-i', tiny, 'sh', '-c', 'echo begun; read line; echo "got $line"; echo wrong >&2; exit 3')
    const { socket, text, closed, shows } = await attach(stage, container.id, 'stream=1&stdin=1&stdout=1&stderr=1&logs=1')
    await shows('begun\n')
    socket.send('a line\n')
    // Two streams in the order of their arrival, which is not that of their writing.
    await shows('got a line\n')
    await shows('wrong\n')
    assert.equal(await closed, 1000)
    assert.equal(text().length, 'begun\ngot a line\nwrong\n'.length)
    assert.equal(await stage.ok('wait', container.id), '3')
  })

  void test('a terminal\'s detach keys leave the container running', async () => {
    await using container = await stage.container('-it', tiny, 'sh')
    const { socket, closed, shows } = await attach(stage, container.id, 'stream=1&stdin=1&stdout=1&stderr=1&detachKeys=ctrl-x')
    socket.send('echo $((6*7))\n')
    await shows('42')
    socket.send(Buffer.of(0x18))
    await closed
    assert.equal(await container.inspect('{{.State.Running}}'), 'true')
  })
}, { images: [tiny] })
