import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, test } from 'node:test'
import type { HostConfig } from '../../../../src/engine/types/host-config.ts'
import { GantryError } from '../../../../src/lib/errors.ts'
import { openTestRoom } from './engine-room.ts'
import type { TestRoom } from './engine-room.ts'

let engine: TestRoom

beforeEach(() => {
  engine = openTestRoom()
})
afterEach(() => {
  engine.room.close()
  engine.remove()
})

const MiB = 1024 * 1024

async function running(hostConfig: HostConfig = {}): Promise<string> {
  const id = await engine.create({ hostConfig })
  await engine.room.containers.start(id)
  return id
}

function recorded(id: string): HostConfig {
  return JSON.parse(readFileSync(`${engine.dataRoot}/containers/${id}/hostconfig.json`, 'utf8')) as HostConfig
}

void test('a running container gets what was touched, and no more', async () => {
  const id = await running({ Memory: 64 * MiB, MemorySwap: 128 * MiB, CpuShares: 700 })
  assert.deepEqual(await engine.room.containers.update(id, { Memory: 32 * MiB, PidsLimit: 9 }), { Warnings: null })
  assert.deepEqual(engine.tasks.only.updates, [{ memory: { limit: 32 * MiB, swap: 128 * MiB }, pids: { limit: 9 } }])
  const { Memory, MemorySwap, CpuShares, PidsLimit } = recorded(id)
  assert.deepEqual([Memory, MemorySwap, CpuShares, PidsLimit], [32 * MiB, 128 * MiB, 700, 9])
  assert.equal((await engine.room.containers.inspect(id, { size: false })).HostConfig.Memory, 32 * MiB)
  assert.ok(engine.events.some((line) => line.includes('update')))
})

void test('no limit of processes is -1 to the kernel and 0 in the record', async () => {
  const id = await running({ PidsLimit: 9 })
  await engine.room.containers.update(id, { PidsLimit: 0 })
  assert.deepEqual(engine.tasks.only.updates, [{ pids: { limit: -1 } }])
  assert.equal(recorded(id).PidsLimit, 0)
})

void test('a stopped container is only recorded, and another engine finds it', async () => {
  const id = await engine.create()
  await engine.room.containers.update(id, { CpuShares: 300, RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } })
  engine = engine.reopen()
  await engine.room.recover()
  const { HostConfig } = await engine.room.containers.inspect(id, { size: false })
  assert.deepEqual([HostConfig.CpuShares, HostConfig.RestartPolicy], [300, { Name: 'always', MaximumRetryCount: 0 }])
})

void test('what the kernel refuses is not recorded, and is no event', async () => {
  const id = await running({ Memory: 64 * MiB, MemorySwap: 64 * MiB })
  engine.tasks.only.failUpdate = new GantryError('System', 'cannot write 1 to x: EBUSY')
  await assert.rejects(engine.room.containers.update(id, { Memory: 32 * MiB }), { message: `Cannot update container ${id}: cannot write 1 to x: EBUSY`, kind: 'System' })
  assert.equal(recorded(id).Memory, 64 * MiB)
  assert.equal((await engine.room.containers.inspect(id, { size: false })).HostConfig.Memory, 64 * MiB)
  assert.ok(!engine.events.some((line) => line.includes('update')))
})

void test('an update that does not go with what is set is a conflict', async () => {
  const refused: [HostConfig, HostConfig, RegExp][] = [
    [{}, { Memory: 64 * MiB }, /Memory limit should be smaller than already set memoryswap limit/],
    [{ CpuPeriod: 5000 }, { NanoCpus: 1e9 }, /Nano CPUs cannot be updated as CPU Period/],
    [{ CpuQuota: 5000 }, { NanoCpus: 1e9 }, /Nano CPUs cannot be updated as CPU Quota/],
    [{ NanoCpus: 1e9 }, { CpuPeriod: 5000 }, /CPU Period cannot be updated as NanoCPUs/],
    [{ NanoCpus: 1e9 }, { CpuQuota: 5000 }, /CPU Quota cannot be updated as NanoCPUs/],
    [{ AutoRemove: true }, { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } }, /because AutoRemove is enabled/],
  ]
  for (const [current, change, message] of refused) {
    const id = await engine.create({ hostConfig: current })
    await assert.rejects(engine.room.containers.update(id, change), (error: GantryError) => error.kind === 'Conflict' && message.test(error.message))
  }
  const unlimited = await engine.create({ hostConfig: { Memory: 16 * MiB, MemorySwap: -1 } })
  await engine.room.containers.update(unlimited, { Memory: 64 * MiB })
})
