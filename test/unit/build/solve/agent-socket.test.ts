import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { openAgent } from '../../../../src/build/solve/agent-socket.ts'

void test('what is said to the socket of a step is said to the agent, and answered', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-agent-'))
  const agent = createServer({ allowHalfOpen: true }, (peer) => void text(peer).then((heard) => peer.end(`heard ${heard}`)))
  await new Promise<void>((resolve) => void agent.listen(path.join(directory, 'agent'), resolve))
  const socket = await openAgent({ agent: path.join(directory, 'agent'), path: path.join(directory, 's'), mode: 0o640, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, log: () => {} })
  try {
    assert.equal(statSync(socket.path).mode & 0o777, 0o640)
    const client = connect({ path: socket.path, allowHalfOpen: true })
    client.end('hello')
    assert.equal(await text(client), 'heard hello')
  } finally {
    socket.close()
    agent.close()
    rmSync(directory, { recursive: true })
  }
})
