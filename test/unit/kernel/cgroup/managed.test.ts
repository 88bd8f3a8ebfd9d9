import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { freeze, thaw } from '../../../../src/kernel/cgroup/freezer.ts'
import type { CgroupLayout } from '../../../../src/kernel/cgroup/layout.ts'
import { mergeResources } from '../../../../src/kernel/cgroup/merge-resources.ts'
import { cgroupOf } from '../../../../src/runc/cgroup-path.ts'

const at = (cgroupsPath: string | undefined, top: string): string => cgroupOf({ ociVersion: '1.2.0', linux: { cgroupsPath } }, 'c', top)

function tree(t: TestContext): CgroupLayout {
  const root = mkdtempSync(join(tmpdir(), 'gantry-managed-test-'))
  t.after(() => rmSync(root, { recursive: true }))
  return { mode: 'v2', root, hierarchies: [{ version: 2, name: '', mountpoint: root, controllers: ['memory'] }] }
}

test('a cgroup that was killed while it stood still, and is gone, needs no thawing', async (t) => {
  const layout = tree(t)
  await thaw(layout, '/gone')
  await assert.rejects(freeze(layout, '/gone'), { code: 'ENOENT' })
})

test('a change of limits leaves the others of its kind', () => {
  const current = { memory: { limit: 1, swap: 2 }, cpu: { shares: 5 }, unified: { 'a.b': '1' }, devices: [] }
  assert.deepEqual(mergeResources(current, { memory: { limit: 3 }, unified: { 'c.d': '2' }, pids: { limit: 9 } }), {
    memory: { limit: 3, swap: 2 }, cpu: { shares: 5 }, unified: { 'a.b': '1', 'c.d': '2' }, devices: [], pids: { limit: 9 },
  })
})

test('a relative path and none at all are below the place of its maker', () => {
  assert.deepEqual([at(undefined, '/'), at('', '/a/b'), at('x', '/a/b'), at('/x', '/a/b')], ['/gantry-runc/c', '/a/b/gantry-runc/c', '/a/b/gantry-runc/x', '/x'])
  assert.throws(() => at('system.slice:p:c', '/'), { kind: 'InvalidParameter', message: /--systemd-cgroup/ })
})
