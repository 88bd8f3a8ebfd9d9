import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MountRecord } from '../../../../src/engine/containers/container.ts'
import { anonymousVolumes, mountView, planMounts } from '../../../../src/engine/containers/mounts.ts'
import type { ContainerConfig } from '../../../../src/engine/types/container-config.ts'
import type { HostConfig } from '../../../../src/engine/types/host-config.ts'

function plan(hostConfig: HostConfig, config: ContainerConfig = {}, others: Record<string, MountRecord[]> = {}): MountRecord[] {
  return planMounts({ config, hostConfig, mountsOf: (ref) => others[ref] ?? [] })
}

test('every way to ask for a mount gives what inspect shows', () => {
  const mounts = plan({
    Binds: ['/host:/bind:ro,rslave', 'data:/data', '/anonymous'],
    Mounts: [
      { Type: 'volume', Source: 'more', Target: '/more/', ReadOnly: true },
      { Type: 'tmpfs', Target: '/tmp' },
      { Type: 'image', Source: 'busybox', Target: '/img' },
      { Type: 'bind', Source: '/src/../host/', Target: '/b' },
    ],
  })
  assert.deepEqual(mounts.map(mountView).map((mount) => ({ ...mount, ...(/^[0-9a-f]{64}$/.test(String(mount['Name'])) && { Name: 'made up' }) })), [
    { Type: 'bind', Source: '/host', Destination: '/bind', Mode: 'ro,rslave', RW: false, Propagation: 'rslave' },
    { Type: 'volume', Name: 'data', Source: '', Destination: '/data', Driver: 'local', Mode: 'z', RW: true, Propagation: '' },
    { Type: 'volume', Name: 'made up', Source: '', Destination: '/anonymous', Driver: 'local', Mode: 'z', RW: true, Propagation: '' },
    { Type: 'volume', Name: 'more', Source: '', Destination: '/more', Driver: 'local', Mode: 'z', RW: false, Propagation: '' },
    { Type: 'tmpfs', Source: '', Destination: '/tmp', Mode: '', RW: true, Propagation: '' },
    { Type: 'image', Source: 'busybox', Destination: '/img', Mode: '', RW: false, Propagation: 'rprivate' },
    { Type: 'bind', Source: '/host', Destination: '/b', Mode: '', RW: true, Propagation: 'rprivate' },
  ])
  assert.equal(anonymousVolumes({ mounts }).length, 1)
})

test('what is asked for wins over another container\'s, and that over the image\'s', () => {
  const others = { other: plan({ Binds: ['theirs:/a', 'theirs:/b', 'theirs:/c:ro'] }) }
  const mounts = plan({ Binds: ['mine:/a'], VolumesFrom: ['other'], Tmpfs: { '/d': '' } }, { Volumes: { '/b': {}, '/d/': {}, '/e/': {} } }, others)
  assert.deepEqual(mounts.map(({ Destination, Name, RW }) => [Destination, Name?.slice(0, 6).replace(/^[0-9a-f]+$/, 'new'), RW]), [
    ['/a', 'mine', true], ['/b', 'theirs', true], ['/c', 'theirs', false], ['/e', 'new', true],
  ])
})

test('volumes from a container can be had for reading only, and modes that mean nothing there are refused', () => {
  const others = { other: plan({ Binds: ['theirs:/a', '/host:/b'], Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 9 } }] }) }
  const mounts = plan({ VolumesFrom: ['other:ro,z'] }, {}, others)
  assert.deepEqual(mounts.map(({ Type, RW, Inherited }) => [Type, RW, Inherited]), [['volume', false, true], ['bind', false, true], ['tmpfs', false, true]])
  assert.deepEqual(mounts[2]?.Spec, { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 9 }, ReadOnly: true })
  for (const mode of ['rshared', 'nocopy', 'ro,rw', 'what']) assert.throws(() => plan({ VolumesFrom: [`other:${mode}`] }), { kind: 'InvalidParameter', message: `invalid mode: ${mode}` })
  assert.throws(() => plan({ VolumesFrom: [''] }), { message: 'volumes-from specification cannot be an empty string' })
})

void test('a volume of an image whose place is relative lies below the root, as those of old builders do', () => {
  assert.deepEqual(plan({ Binds: ['mine:/taken'] }, { Volumes: { data: {}, './deep/../x/': {}, taken: {} } }).map(({ Destination }) => Destination), ['/taken', '/data', '/x'])
})
