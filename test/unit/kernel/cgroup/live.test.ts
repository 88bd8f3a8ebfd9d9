import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { freeze, isFrozen, thaw } from '../../../../src/kernel/cgroup/freezer.ts'
import { cgroupDirectory, detectLayout, hierarchyOf } from '../../../../src/kernel/cgroup/layout.ts'
import { oomKills } from '../../../../src/kernel/cgroup/oom.ts'
import { prepareParents } from '../../../../src/kernel/cgroup/parents.ts'
import { killAll, listProcesses } from '../../../../src/kernel/cgroup/processes.ts'
import { removeCgroup } from '../../../../src/kernel/cgroup/remove.ts'
import { updateResources } from '../../../../src/kernel/cgroup/update.ts'

describe('a cgroup of this host', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const layout = detectLayout()
  const parent = `/gantry-cgroup-test-${randomBytes(4).toString('hex')}`
  const path = `${parent}/one`
  const directories = layout.hierarchies.map((hierarchy) => cgroupDirectory(hierarchy, path))
  const make = (): void => {
    prepareParents(layout, path)
    for (const directory of directories) mkdirSync(directory, { recursive: true })
  }
  const enter = (pid: number): void => {
    for (const directory of directories) writeFileSync(join(directory, 'cgroup.procs'), String(pid))
  }

  const file = (name: string): string => readFileSync(join(cgroupDirectory(hierarchyOf(layout, 'memory')!, path), name), 'latin1').trim()

  after(async () => {
    await killAll(layout, path)
    await removeCgroup(layout, parent)
  })

  test('is born with the processors of its parent, however often parents are prepared', () => {
    make()
    prepareParents(layout, path)
    const cpuset = hierarchyOf(layout, 'cpuset')
    if (cpuset?.version === 1) assert.notEqual(readFileSync(join(cgroupDirectory(cpuset, path), 'cpuset.cpus'), 'latin1').trim(), '')
  })

  test('is born with processors under a parent that does not hand them on, and at the top', { skip: hierarchyOf(layout, 'cpuset')?.version !== 1 && 'needs cgroup v1' }, async () => {
    const cpuset = hierarchyOf(layout, 'cpuset')!
    const foreign = `${parent}-foreign`
    mkdirSync(cgroupDirectory(cpuset, foreign))
    for (const name of ['cpuset.cpus', 'cpuset.mems']) writeFileSync(join(cgroupDirectory(cpuset, foreign), name), '0')
    for (const child of [`${foreign}/child`, `${parent}-top`]) {
      prepareParents(layout, child)
      assert.notEqual(readFileSync(join(cgroupDirectory(cpuset, child), 'cpuset.mems'), 'latin1').trim(), '')
    }
    await removeCgroup(layout, foreign)
    await removeCgroup(layout, `${parent}-top`)
  })

  test('can be frozen, thawed, listed, killed and removed', async () => {
    make()
    const child = spawn('sh', ['-c', 'while :; do sleep 0.01; done'], { stdio: 'ignore' })
    enter(child.pid!)
    await freeze(layout, path)
    assert.ok(isFrozen(layout, path))
    await thaw(layout, path)
    assert.ok(!isFrozen(layout, path))
    assert.ok(listProcesses(layout, path).includes(child.pid!))
    const exited = once(child, 'exit')
    await killAll(layout, path)
    assert.equal((await exited)[1], 'SIGKILL')
    await removeCgroup(layout, path)
    for (const directory of directories) assert.ok(!existsSync(directory), directory)
    assert.deepEqual(listProcesses(layout, path), [])
    await removeCgroup(layout, path)
  })

  test('is killed even when it is frozen, and when it forks', async () => {
    make()
    const child = spawn('sh', ['-c', 'while :; do sleep 1 & done'], { stdio: 'ignore' })
    updateResources(layout, path, { pids: { limit: 30 } })
    enter(child.pid!)
    await freeze(layout, path)
    await killAll(layout, path)
    assert.deepEqual(listProcesses(layout, path), [])
    await removeCgroup(layout, path)
  })

  test('takes new limits up and down while it lives', { skip: hierarchyOf(layout, 'memory')?.version !== 1 && 'needs cgroup v1' }, () => {
    make()
    for (const [limit, swap] of [[64, 128], [256, 512], [32, 32], [100, -1]] as const) {
      updateResources(layout, path, { memory: { limit: limit << 20, swap: swap < 0 ? -1 : swap << 20 } })
      assert.equal(Number(file('memory.limit_in_bytes')), limit << 20)
      if (swap > 0) assert.equal(Number(file('memory.memsw.limit_in_bytes')), swap << 20)
    }
  })

  test('counts what the kernel killed for memory', { skip: hierarchyOf(layout, 'memory') === undefined && 'needs the memory controller' }, async () => {
    make()
    assert.equal(oomKills(layout, path), 0)
    updateResources(layout, path, { memory: { limit: 8 << 20, swap: 8 << 20 } })
    const child = spawn('sh', ['-c', 'read go; tail /dev/zero'], { stdio: ['pipe', 'ignore', 'ignore'] })
    enter(child.pid!)
    child.stdin!.end('go\n')
    await once(child, 'exit')
    assert.equal(oomKills(layout, path), 1)
    assert.equal(oomKills(layout, '/not/there'), 0)
  })
})
