import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { devicemapper } from '../../../../src/containerd/snapshots/devicemapper/devicemapper.ts'
import { chainId, layerTar, needsRoot } from './layer.ts'
import { snapshotterSuite } from './suite.ts'
import { thinPoolKernel } from './thin-pool-kernel.ts'

const place = () => {
  const pool = thinPoolKernel()
  const root = mkdtempSync(join(tmpdir(), 'thin-'))
  return { ...pool, pool, root, remove: () => (rmSync(root, { recursive: true }), pool.remove()) }
}

if (needsRoot) test('storage driver devicemapper', { skip: needsRoot }, () => {})
else snapshotterSuite(devicemapper, place, { on: ' on a pool that is none' })

async function withPool(use: (room: ReturnType<typeof place> & { open: (...options: string[]) => ReturnType<typeof devicemapper.open>; log: string[] }) => Promise<void>): Promise<void> {
  const room = place()
  const log: string[] = []
  const open = (...options: string[]) => devicemapper.open({ root: room.root, kernel: room.kernel, options, log: (line) => log.push(line) })
  try {
    await use({ ...room, open, log })
  } finally {
    room.remove()
  }
}

void test('a layer and a container cost a few commands each, and leave no device', { skip: needsRoot }, async () => {
  await withPool(async ({ commands, devices, mapped, open }) => {
    const snapshotter = await open()
    const low = chainId('low')
    const ran = async (act: () => Promise<unknown>): Promise<string[]> => {
      commands.length = 0
      await act()
      return commands.map((command) => command.split(' ').slice(0, 2).join(' '))
    }
    assert.deepEqual(await ran(() => snapshotter.extract({ chainId: low, parent: undefined, tar: layerTar([{ name: 'a', text: '1' }]) })), ['dmsetup message', 'dmsetup status', 'dmsetup create', 'dmsetup mknodes', 'sync -f', 'dmsetup remove'])
    assert.deepEqual(await ran(() => snapshotter.prepare('one', low)), ['dmsetup message', 'dmsetup status'])
    assert.deepEqual(await ran(() => snapshotter.activate('one')), ['dmsetup create', 'dmsetup mknodes'])
    assert.deepEqual(await ran(() => snapshotter.activate('one')), [])
    assert.deepEqual(await ran(() => snapshotter.deactivate('one')), ['dmsetup remove'])
    assert.deepEqual(await ran(() => snapshotter.remove('one')), ['dmsetup message', 'dmsetup status'])
    await snapshotter.removeLayer(low)
    assert.deepEqual([devices.size, mapped.size], [1, 1])
    await snapshotter.close()
    assert.equal(mapped.size, 0)
  })
})

void test('a layer whose device the pool has lost is suspected, and the others are looked at all the same', { skip: needsRoot }, async () => {
  await withPool(async ({ devices, open }) => {
    const snapshotter = await open()
    const [lost, whole] = [chainId('lost'), chainId('whole')]
    for (const id of [lost, whole]) await snapshotter.extract({ chainId: id, parent: undefined, tar: layerTar([{ name: 'a', text: '1' }]) })
    assert.deepEqual(await snapshotter.suspects(), [])
    devices.delete(Number(snapshotter.layerGraphData(lost)['DeviceId']))
    assert.deepEqual(await snapshotter.suspects(), [lost])
    await assert.rejects(snapshotter.compare(lost, layerTar([])), /No data available/)
    for (const id of [lost, whole]) await snapshotter.removeLayer(id)
    await snapshotter.close()
  })
})

void test('a device that a killed process had mapped, mounted or not, is taken over', { skip: needsRoot }, async () => {
  await withPool(async ({ kernel, mapped, open }) => {
    const first = await open()
    await first.prepare('one', undefined)
    await first.activate('one')
    const second = await open()
    await second.deactivate('one')
    // Mapped, and killed before the mount.
    const { DeviceName = '', DeviceId = '' } = second.graphData('one')
    await second.activate('one')
    await kernel.tool(['umount', second.mount('one').type === 'bind' ? join((second.mount('one') as { source: string }).source, '..') : ''])
    assert.equal(mapped.get(DeviceName), Number(DeviceId))
    const third = await open()
    await third.activate('one')
    await third.deactivate('one')
    assert.equal(mapped.has(DeviceName), false)
    await third.remove('one')
    await third.close()
  })
})

void test('numbers that the pool has given to others are passed over', { skip: needsRoot }, async () => {
  await withPool(async ({ kernel, devices, open }) => {
    const snapshotter = await open()
    const pool = snapshotter.status().find(([row]) => row === 'Pool Name')![1]
    for (const id of [2, 3, 4]) assert.equal((await kernel.tool(['dmsetup', 'message', pool, '0', `create_thin ${id}`])).code, 0)
    await snapshotter.prepare('one', undefined)
    assert.equal(snapshotter.graphData('one')['DeviceId'], '5')
    await snapshotter.remove('one')
    assert.deepEqual(devices, new Set([1, 2, 3, 4]))
    await snapshotter.close()
  })
})

void test('a pool with too little left makes nothing, and what it was begun with stays', { skip: needsRoot }, async () => {
  await withPool(async ({ pool, open, log }) => {
    await (await open('dm.basesize=200M')).close()
    assert.deepEqual(log.filter((line) => line.includes('new store')), [])
    const snapshotter = await open('dm.min_free_space=50%')
    assert.deepEqual(log.filter((line) => line.includes('new store')), ['devmapper: the base device has 209715200 bytes: dm.basesize=10737418240 is for a new store'])
    await assert.rejects(snapshotter.prepare('small', undefined, { quota: 100 << 20 }), /^GantryError: devmapper: Container size cannot be smaller than 209\.7MB$/)
    pool.usedBlocks = 16_384
    await snapshotter.prepare('last', undefined)
    pool.usedBlocks = 16_385
    await snapshotter.prepare('told', undefined)
    await assert.rejects(snapshotter.prepare('none', undefined), { kind: 'Unavailable', message: 'devmapper: Thin Pool has 16383 free data blocks which is less than minimum required 16384 free data blocks. Create more free space in thin pool or use dm.min_free_space option to change behavior' })
    await snapshotter.remove('last')
    await snapshotter.remove('told')
    assert.deepEqual(snapshotter.keys(), [])
    await snapshotter.close()
  })
})
