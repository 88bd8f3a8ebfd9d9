import assert from 'node:assert/strict'
import { mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { updateIntelRdt } from '../../../src/runc/intel-rdt.ts'
import { throughDangling } from '../../../src/runc/mounts/dangling.ts'
import { subCgroups } from '../../../src/runc/sub-cgroups.ts'

const tree = (name: string, controllers: string[]) => ({ version: 1 as const, name, mountpoint: `/sys/fs/cgroup/${name}`, controllers })

describe('exec --cgroup', () => {
  test('names a path for some trees, or for all', () => {
    const of = subCgroups(['pids,memory:a/b', 'cpu:c'])
    assert.deepEqual([tree('pids', ['pids']), tree('memory', ['memory']), tree('cpu,cpuacct', ['cpu', 'cpuacct']), tree('blkio', ['blkio'])].map(of), ['a/b', 'a/b', 'c', ''])
    assert.equal(subCgroups(['x'])(tree('blkio', ['blkio'])), 'x')
    assert.equal(subCgroups([])(tree('blkio', ['blkio'])), '')
  })

  test('does not lead out of the container, and is not said twice', () => {
    for (const given of [['../x'], ['pids:a/../../b'], ['a:b:c'], ['a', 'b'], ['pids:a', 'pids:b']]) assert.throws(() => subCgroups(given), /^GantryError: invalid --cgroup argument: /)
  })
})

describe('a mount target behind symlinks', () => {
  test('is the place in the root that they mean, whether it is there or not', () => {
    const root = mkdtempSync(join(tmpdir(), 'gt-links-'))
    try {
      mkdirSync(join(root, 'real'))
      for (const [name, target] of Object.entries({ up: '../../../made', absolute: '/made/file', chain: 'up/more', loop: 'loop', there: 'real' })) symlinkSync(target, join(root, name))
      const place = (destination: string, type = 'bind'): string => throughDangling(root, [{ destination, type }])[0]!.destination
      assert.deepEqual(
        ['/up/x', '/absolute', '/chain/../y', '/there/z', '/plain/w', '/loop'].map((path) => place(path)),
        ['/made/x', '/made/file', '/chain/../y', '/real/z', '/plain/w', '/loop'],
      )
      // Through no symlink at all, and not through one that an earlier mount hides.
      assert.equal(place('/up', 'proc'), '/up')
      assert.deepEqual(throughDangling(root, [{ destination: '/up', type: 'proc' }, { destination: '/up/x', type: 'bind' }]).map(({ destination }) => destination), ['/up', '/up/x'])
    } finally {
      rmSync(root, { recursive: true })
    }
  })
})

describe('an update of Intel RDT', () => {
  test('writes the schemata of the class, which it makes and fills when it is missing', () => {
    const at = mkdtempSync(join(tmpdir(), 'gt-resctrl-'))
    try {
      assert.throws(() => updateIntelRdt({ group: 'c', l3CacheSchema: 'L3:0=f', pids: [], at }), /^GantryError: cannot set Intel RDT: this host has no resctrl at /)
      writeFileSync(join(at, 'schemata'), '')
      updateIntelRdt({ group: 'c', l3CacheSchema: 'L3:0=f', memBwSchema: 'MB:0=50', pids: [7], at })
      assert.deepEqual([readFileSync(join(at, 'c/schemata'), 'latin1'), readFileSync(join(at, 'c/tasks'), 'latin1')], ['L3:0=f\nMB:0=50\n', '7'])
      updateIntelRdt({ group: 'none', pids: [], at: '/not/there' })
    } finally {
      rmSync(at, { recursive: true })
    }
  })
})
