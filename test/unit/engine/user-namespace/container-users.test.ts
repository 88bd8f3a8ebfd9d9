import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { containerUsers, giveToRoot, giveUnowned, letThrough, makeDirectoryFor, rootIdentity } from '../../../../src/engine/user-namespace/container-users.ts'

const remap = { uids: [{ containerID: 0, hostID: 100_000, size: 65_536 }], gids: [{ containerID: 0, hostID: 200_000, size: 65_536 }], root: { uid: 100_000, gid: 200_000 } }
const root = { uid: 100_000, gid: 200_000 }
const privileged = { skip: process.getuid?.() !== 0 && 'needs root' }

function directory(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'gantry-users-'))
  t.after(() => rmSync(made, { recursive: true }))
  return made
}

const owner = (path: string) => {
  const { uid, gid } = statSync(path)
  return [uid, gid]
}

test('users are remapped when the engine does, unless the container has those of the host', () => {
  assert.deepEqual(containerUsers({}, remap, {}), { uids: remap.uids, gids: remap.gids })
  assert.equal(containerUsers({ UsernsMode: 'host' }, remap, {}), undefined)
  assert.equal(containerUsers({}, undefined, {}), undefined)
  assert.deepEqual(rootIdentity(containerUsers({}, remap, {})), root)
  assert.deepEqual(rootIdentity(undefined), { uid: 0, gid: 0 })
})

test('namespaces of a container that is in the user namespace of the host cannot be joined from another', () => {
  const joined = { network: { id: 'abc', state: { Pid: process.pid } } }
  assert.throws(() => containerUsers({}, remap, joined), { kind: 'Conflict', message: /cannot join network of container abc: .*--userns=host/ })
  assert.equal(containerUsers({ UsernsMode: 'host' }, remap, joined), undefined)
})

test('only directories that were made are given away', privileged, (t) => {
  const top = directory(t)
  mkdirSync(join(top, 'old'))
  makeDirectoryFor(root, join(top, 'old/new/newer/'))
  assert.deepEqual(['old', 'old/new', 'old/new/newer'].map((name) => owner(join(top, name))), [[0, 0], [100_000, 200_000], [100_000, 200_000]])
  writeFileSync(join(top, 'file'), '')
  makeDirectoryFor(root, join(top, 'file'))
  assert.deepEqual(owner(join(top, 'file')), [0, 0])
})

test('a symlink does not lead away what is given', privileged, (t) => {
  const top = directory(t)
  writeFileSync(join(top, 'host'), '')
  symlinkSync('host', join(top, 'link'))
  giveToRoot(join(top, 'link'), root)
  assert.deepEqual(owner(join(top, 'host')), [0, 0])
  giveToRoot(join(top, 'gone'), root)
  giveUnowned(join(top, 'host'), root)
  assert.deepEqual(owner(join(top, 'host')), [100_000, 200_000])
  chownSync(join(top, 'host'), 5, 5)
  giveUnowned(join(top, 'host'), root)
  assert.deepEqual(owner(join(top, 'host')), [5, 5])
})

test('the way down to a root file system is opened for the group alone, where it was not open for all', privileged, (t) => {
  const top = directory(t)
  mkdirSync(join(top, 'layers/id/merged'), { recursive: true })
  chmodSync(join(top, 'layers'), 0o710)
  letThrough(root, top, join(top, 'layers/id/merged'))
  assert.deepEqual(['', 'layers', 'layers/id', 'layers/id/merged'].map((name) => owner(join(top, name))[1]), [200_000, 200_000, 0, 0])
  assert.equal(statSync(join(top, 'layers')).mode & 0o777, 0o710)
})
