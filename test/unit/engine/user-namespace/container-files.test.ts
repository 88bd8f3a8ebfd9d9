import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { insideIds, outsideIds, unpackInside, withInsideIds } from '../../../../src/engine/user-namespace/container-files.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { tarEntry, type TarEntry } from '../../../../src/lib/tar/entry.ts'

const users = {
  uids: [{ containerID: 0, hostID: 100_000, size: 1000 }, { containerID: 1000, hostID: 500_000, size: 10 }],
  gids: [{ containerID: 0, hostID: 200_000, size: 1000 }],
}

test('ids are translated both ways, range by range', () => {
  for (const [inside, outside] of [[{ uid: 0, gid: 0 }, { uid: 100_000, gid: 200_000 }], [{ uid: 1005, gid: 999 }, { uid: 500_005, gid: 200_999 }]] as const) {
    assert.deepEqual(outsideIds(inside, users), outside)
    assert.deepEqual(insideIds(outside, users), inside)
    assert.deepEqual([outsideIds(inside, undefined), insideIds(inside, undefined)], [inside, inside])
  }
})

test('who has no id on the other side stays as he is, or becomes root of the container', () => {
  assert.deepEqual(insideIds({ uid: 7, gid: 8 }, users), { uid: 7, gid: 8 })
  assert.deepEqual(outsideIds({ uid: 5000, gid: 5000 }, users), { uid: 100_000, gid: 200_000 })
})

test('members of an archive get the ids of the container and keep all else', () => {
  const member = { entry: tarEntry({ name: 'a', uid: 100_007, gid: 200_008, mode: 0o4755 }) }
  assert.deepEqual([...withInsideIds([member], users)], [{ entry: { ...member.entry, uid: 7, gid: 8 } }])
  assert.deepEqual([...withInsideIds([member], undefined)], [member])
})

test('what is unpacked is made by root of the container', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-unpack-'))
  const seen: Pick<TarEntry, 'uid' | 'gid'>[] = []
  const handler = {
    entry: (entry: TarEntry) => {
      seen.push({ uid: entry.uid, gid: entry.gid })
      writeFileSync(join(directory, entry.name), '')
    },
    data: () => {},
    end: () => writeFileSync(join(directory, 'end'), ''),
  }
  try {
    const inside = unpackInside({ kernel: linuxKernel }, users, handler)
    inside.entry(tarEntry({ name: 'a', uid: 7, gid: 8 }))
    inside.end()
    assert.deepEqual(seen, [{ uid: 100_007, gid: 200_008 }])
    for (const name of ['a', 'end']) assert.deepEqual([statSync(join(directory, name)).uid, statSync(join(directory, name)).gid], [100_000, 200_000])
    assert.equal(unpackInside({ kernel: linuxKernel }, undefined, handler), handler)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
