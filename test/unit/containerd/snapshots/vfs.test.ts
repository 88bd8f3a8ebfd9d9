import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { vfs } from '../../../../src/containerd/snapshots/vfs/vfs.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { chainId, layerTar, needsRoot } from './layer.ts'

void test('a copy whose daemon has died before it could ask to die with it does not begin', { skip: needsRoot }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'vfs-'))
  try {
    const copies: string[][] = []
    const tool: typeof linuxKernel.tool = async (argv, ...more) => {
      if (argv.includes('cp')) copies.push([...argv])
      return await linuxKernel.tool(argv, ...more)
    }
    const snapshotter = await vfs.open({ root, kernel: { ...linuxKernel, tool }, options: [], log: () => {} })
    const low = chainId('low')
    await snapshotter.extract({ chainId: low, parent: undefined, tar: layerTar([{ name: 'a', text: '1' }]) })
    await snapshotter.prepare('one', low)
    const [copy] = copies
    const { source: tree = '' } = snapshotter.mount('one') as { source?: string }
    assert.deepEqual(readdirSync(tree), ['a'])
    await snapshotter.remove('one')
    // Its parent is another than the one that it was made for, as after a death.
    const { status } = spawnSync('sh', ['-c', '"$@"; exit $?', 'sh', ...copy!])
    assert.notEqual(status, 0)
    assert.equal(readdirSync(join(root, 'dir')).length, 1)
    // What that would have left.
    execFileSync(copy![copy!.indexOf('cp')]!, copy!.slice(copy!.indexOf('cp') + 1))
    assert.equal(readdirSync(join(root, 'dir')).length, 2)
  } finally {
    rmSync(root, { recursive: true })
  }
})
