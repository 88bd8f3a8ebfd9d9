import assert from 'node:assert/strict'
import { test } from 'node:test'
import { criuRequest, criuResponse, requestTypes } from '../../../src/kernel/criu/messages.ts'

// Bytes by hand, after the encoding of Protocol Buffers and the numbers in criu's images/rpc.proto.
test('required fields are on the wire also where they are 0', () => {
  const bytes = criuRequest.encode({ type: requestTypes.restore, opts: { images_dir_fd: 64, manage_cgroups_mode: 0, inherit_fd: [{ key: 'pipe:[7]', fd: 0 }] } } as never)
  assert.equal(Buffer.from(bytes).toString('hex'), '080212140840900200da010c0a08706970653a5b375d1000')
})

test('an answer and a notification are read', () => {
  assert.deepEqual(criuResponse.decode(Buffer.from('080610012a110a0c706f73742d726573746f726510d209', 'hex')).notify, { script: 'post-restore', pid: 1234 })
  assert.equal(criuResponse.decode(Buffer.from('08021001220308d209', 'hex')).restore?.pid, 1234)
})
