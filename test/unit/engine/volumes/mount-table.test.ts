import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMountPoint, mountOf, mountsBelow, mountTable } from '../../../../src/engine/volumes/mount-table.ts'

const table = mountTable(
  [
    '21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '22 21 0:5 / /data rw - tmpfs none rw',
    '23 22 0:6 / /data/with\\040blank rw master:7 propagate_from:1 - tmpfs none rw',
    '24 21 0:7 / /database rw shared:3 master:2 - tmpfs none rw',
    '',
  ].join('\n'),
)

test('a path lies on the mount that is nearest above it, and no other of a like name', () => {
  assert.deepEqual(mountOf('/data/x', table), { path: '/data', shared: false, slave: false })
  assert.deepEqual(mountOf('/data/with blank/y', table), { path: '/data/with blank', shared: false, slave: true })
  assert.deepEqual(mountOf('/database', table), { path: '/database', shared: true, slave: true })
  assert.equal(mountOf('/datab', table)?.path, '/')
})

test('mounts below a path come deepest first', () => {
  assert.deepEqual(mountsBelow('/data', table), ['/data/with blank', '/data'])
  assert.equal(isMountPoint('/data', table), true)
  assert.equal(isMountPoint('/dat', table), false)
})
