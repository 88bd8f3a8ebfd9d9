import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { SessionStream } from '../../../../src/engine/attach/session-stream.ts'

test('a held session takes words after the end of the process and ends when it is released', async () => {
  const session = new SessionStream({ stdin: false })
  const peer = new PassThrough()
  session.hold()
  session.connect(peer)
  peer.end('output ')
  const all = text(session)
  await new Promise((resolve) => peer.once('close', resolve))
  session.push('and why')
  session.finish()
  session.release()
  assert.equal(await all, 'output and why')
})

test('a released session ends with the process', async () => {
  const session = new SessionStream({ stdin: false })
  const peer = new PassThrough()
  session.hold()
  session.connect(peer)
  session.release()
  peer.end('output')
  assert.equal(await text(session), 'output')
})
