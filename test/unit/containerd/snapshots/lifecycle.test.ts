import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openOverlay2 } from '../../../../src/containerd/snapshots/overlay2/overlay2.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { chainId, needsRoot, temporaryOverlay2 } from './layer.ts'

const asRoot = { skip: needsRoot }

void test('a container snapshot stands on its layers until it is removed', asRoot, async () => {
  const { snapshotter, layer, root } = temporaryOverlay2()
  const bottom = await layer([{ name: 'a', text: '1' }])
  const top = await layer([{ name: 'b', text: '2' }], bottom.id)
  await snapshotter.prepare('c1', top.id)
  assert.deepEqual(snapshotter.mount('c1'), {
    type: 'overlay',
    lower: [top.directory, bottom.directory],
    upper: join(root, 'c1/diff'),
    work: join(root, 'c1/work'),
  })
  assert.equal(snapshotter.graphData('c1')['LowerDir'], `${top.directory}:${bottom.directory}`)
  assert.equal(snapshotter.layerGraphData(top.id)['UpperDir'], top.directory)
  writeFileSync(join(root, 'c1/diff/file'), 'x'.repeat(1234))
  assert.equal(await snapshotter.usage('c1'), 1234)
  await assert.rejects(snapshotter.prepare('c1', top.id), { kind: 'Conflict' })
  await assert.rejects(snapshotter.prepare('c2', chainId('missing')), { kind: 'NotFound' })
  await assert.rejects(snapshotter.prepare('../c2', undefined), { kind: 'InvalidParameter' })
  await assert.rejects(snapshotter.removeLayer(top.id), { kind: 'Conflict' })
  await assert.rejects(snapshotter.removeLayer(bottom.id), { kind: 'Conflict' })
  await snapshotter.remove('c1')
  await snapshotter.removeLayer(top.id)
  await snapshotter.removeLayer(bottom.id)
  assert.deepEqual(readdirSync(root), [])
  assert.throws(() => snapshotter.mount('c1'), { kind: 'NotFound' })
})

void test('a snapshot of nothing is a directory', asRoot, async () => {
  const { snapshotter, root } = temporaryOverlay2()
  await snapshotter.prepare('c', undefined)
  assert.deepEqual(snapshotter.mount('c'), { type: 'bind', source: join(root, 'c/diff'), readonly: false })
})

void test('opening again finds everything whole and removes what is half made', asRoot, async () => {
  const { snapshotter, layer, root } = temporaryOverlay2()
  const bottom = await layer([{ name: 'a', text: '1' }])
  await snapshotter.prepare('c1', bottom.id)
  mkdirSync(join(root, 'tmp-0123/diff/x'), { recursive: true })
  const again = openOverlay2({ root, kernel: linuxKernel })
  assert.deepEqual(readdirSync(root).toSorted(), [bottom.id.slice(7), 'c1'].toSorted())
  assert.deepEqual(again.keys(), ['c1'])
  assert.deepEqual(again.mount('c1'), snapshotter.mount('c1'))
  assert.equal(again.hasLayer(bottom.id), true)
})

void test('changes of a container are told as docker diff does', asRoot, async () => {
  const { snapshotter, layer } = temporaryOverlay2()
  const bottom = await layer([{ name: 'etc/a', text: '1' }, { name: 'etc/b', text: '1' }, { name: 'gone/x', text: '1' }, { name: 'new/x', text: '1' }, { name: 'same/x', text: '1' }])
  await snapshotter.prepare('c', bottom.id)
  const mount = snapshotter.mount('c')
  assert.ok(mount.type === 'overlay')
  const options = `lowerdir=${mount.lower.join(':')},upperdir=${mount.upper},workdir=${mount.work}`
  const change = 'echo 2 > etc/a; rm etc/b; mkdir -p added/d; echo 3 > added/d/f; rm -r gone; rm -r new; mkdir new; echo 1 > new/y'
  execFileSync('unshare', ['-m', 'sh', '-ec', `mount -t overlay overlay -o "$1" "$2"; cd "$2"; ${change}`, 'sh', options, snapshotter.mountpoint('c')])
  assert.deepEqual(
    (await snapshotter.changes('c')).map(({ Path, Kind }) => `${'CAD'[Kind]} ${Path}`),
    ['A /added', 'A /added/d', 'A /added/d/f', 'C /etc', 'C /etc/a', 'D /etc/b', 'D /gone', 'C /new', 'D /new/x', 'A /new/y'],
  )
})
