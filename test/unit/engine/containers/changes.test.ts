import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutMountPoints } from '../../../../src/engine/containers/changes.ts'

const modified = (Path: string) => ({ Path, Kind: 0 as const })
const added = (Path: string) => ({ Path, Kind: 1 as const })
const deleted = (Path: string) => ({ Path, Kind: 2 as const })

test('the mount points of the runtime and their directories are no changes', () => {
  const made = [modified('/dev'), added('/dev/console'), modified('/etc'), added('/etc/hosts'), added('/etc/hostname'), added('/etc/resolv.conf'), added('/proc'), added('/sys'), added('/.dockerenv'), added('/data')]
  assert.deepEqual(withoutMountPoints(made, ['/data']), [])
})

test('what the container did stays', () => {
  const changes = [modified('/etc'), added('/etc/hosts'), added('/etc/new'), modified('/root'), deleted('/etc/resolv.conf')]
  assert.deepEqual(withoutMountPoints(changes, []), [modified('/etc'), added('/etc/new'), modified('/root'), deleted('/etc/resolv.conf')])
})
