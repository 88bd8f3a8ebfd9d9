import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SnapshotDriver } from '../../../../src/containerd/snapshots/driver.ts'
import type { Kernel } from '../../../../src/kernel/kernel.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { driverNamed } from './drivers.ts'
import { chainId, layerTar, needsRoot } from './layer.ts'
import { loopFilesystem } from './loop-filesystem.ts'

const small = [{ name: 'f', text: '1' }]
const large = Array.from({ length: 1200 }, (_, at) => ({ name: `d${at % 40}/f${at}`, text: String(at).repeat(4000) }))

test('overlay2 prepares a container with as many calls whatever the size of its image, and copies nothing', { skip: needsRoot }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'constant-'))
  after(() => rmSync(root, { recursive: true }))
  await assertConstant(driverNamed('overlay2'), root)
})

test('btrfs prepares a container with as many calls whatever the size of its image, and shares all its blocks', { skip: needsRoot || (await lacksBtrfs()) }, async () => {
  const { directory, remove } = loopFilesystem({ make: ['mkfs.btrfs', '-q'] })
  after(remove)
  const root = join(directory, 'btrfs')
  await assertConstant(driverNamed('btrfs'), root)
})

test('vfs copies an image for each container', { skip: needsRoot }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'constant-'))
  after(() => rmSync(root, { recursive: true }))
  const { grown } = await prepared(driverNamed('vfs'), root, large)
  const image = large.reduce((sum, { text }) => sum + text.length, 0)
  assert.ok(grown > 10 * image, `${grown} bytes for ten times ${image}`)
})

async function assertConstant(driver: SnapshotDriver, root: string): Promise<void> {
  const few = await prepared(driver, join(root, 'small'), small)
  const many = await prepared(driver, join(root, 'large'), large)
  assert.equal(many.calls, few.calls)
  assert.equal(many.files, few.files)
  assert.ok(many.grown < 10e6, `ten containers took ${many.grown} bytes`)
}

/** Prepares ten containers on an image of one layer. @returns how many calls and files were made, and bytes taken */
async function prepared(driver: SnapshotDriver, root: string, members: { name: string; text: string }[]): Promise<{ calls: number; files: number; grown: number }> {
  let calls = 0
  const counting: Kernel = {
    syscall: (...args) => (calls++, linuxKernel.syscall(...args)),
    tool: async (...args) => (calls++, linuxKernel.tool(...args)),
    spawnMonitor: async (...args) => linuxKernel.spawnMonitor(...args),
  }
  mkdirSync(root, { recursive: true })
  const snapshotter = await driver.open({ root, kernel: counting, options: [], log: assert.fail })
  const layer = chainId('layer')
  await snapshotter.extract({ chainId: layer, parent: undefined, tar: layerTar(members) })
  const keys = Array.from({ length: 10 }, (_, at) => `container${at}`)
  const before = used(root)
  calls = 0
  for (const key of keys) {
    await snapshotter.prepare(key, layer)
    await snapshotter.activate(key)
  }
  const made = { calls, grown: used(root) - before, files: ownFiles(root) }
  for (const key of keys) await snapshotter.remove(key)
  await snapshotter.removeLayer(layer)
  await snapshotter.close()
  return made
}

/** What is shared counts once on btrfs, which here has nothing else on it. Elsewhere others write as well: du asks the files. */
function used(root: string): number {
  execFileSync('sync', ['-f', root])
  if (execFileSync('stat', ['-f', '-c', '%T', root]).toString().trim() !== 'btrfs') return Number(execFileSync('du', ['-s', '-B1', root]).toString().split('\t')[0])
  const { blocks, bfree, bsize } = statfsSync(root)
  return (blocks - bfree) * bsize
}

/** Files besides those of the layer and of copies of it. */
function ownFiles(root: string): number {
  const found = execFileSync('find', [root, '-type', 'f', '-not', '-name', 'f*']).toString()
  return found.split('\n').filter((line) => line !== '').length
}

async function lacksBtrfs(): Promise<string | false> {
  const { code } = await linuxKernel.tool(['mkfs.btrfs', '--version'])
  return code === 0 ? false : 'mkfs.btrfs is not installed (Debian package btrfs-progs)'
}
