import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hiddenDirectories } from '../../../../../src/containerd/tasks/foreign/hidden-directories.ts'
import type { CgroupLayout } from '../../../../../src/kernel/cgroup/layout.ts'
import type { OciSpec } from '../../../../../src/runc/spec.ts'

const networks = { linux: { namespaces: [{ type: 'network' }] } } as OciSpec

function layout(mode: CgroupLayout['mode'], controllers: string[]): CgroupLayout {
  return { mode, root: '/c', hierarchies: [{ version: 2, name: 'unified', mountpoint: '/c/unified', controllers } as CgroupLayout['hierarchies'][number]] }
}

/** A host with a runtime that says this of itself. */
function hidden(version: string, { mode = 'hybrid', controllers = ['hugetlb'], spec = networks }: { mode?: CgroupLayout['mode']; controllers?: string[]; spec?: OciSpec } = {}): Promise<readonly string[]> {
  const kernel = { tool: async () => ({ code: version === '' ? 1 : 0, stdout: version, stderr: '' }) }
  return hiddenDirectories({ kernel, layout: layout(mode, controllers), path: `/usr/bin/${version}`, spec })
}

void test('crun does not see the v2 tree of a hybrid host when that has controllers', async () => {
  const crun = 'crun version 1.8.1\ncommit: f8a'
  assert.deepEqual(await hidden(crun), ['/c/unified'])
  assert.deepEqual(await hidden(crun, { controllers: [] }), [])
  assert.deepEqual(await hidden(crun, { mode: 'v2' }), [])
})

void test('runsc does not see the network settings unless the network is the host\'s', async () => {
  const runsc = 'runsc version 0.0~20221219.0\nspec: 1.0.2-dev'
  assert.deepEqual(await hidden(runsc), ['/proc/sys/net'])
  assert.deepEqual(await hidden(runsc, { spec: { linux: { namespaces: [] } } as unknown as OciSpec }), [])
})

void test('nothing is hidden from other runtimes, and from what says nothing of itself', async () => {
  assert.deepEqual(await hidden('runc version 1.1.5+ds1'), [])
  assert.deepEqual(await hidden(''), [])
})
