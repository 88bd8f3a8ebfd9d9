import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { CacheDatabase } from '../../../../src/build/cache/cache-database.ts'
import { CacheMounts, type WantedCacheMount } from '../../../../src/build/cache/cache-mounts.ts'

void describe('cache mounts', () => {
  let root: string
  let database: CacheDatabase
  let mounts: CacheMounts
  const signal = new AbortController().signal
  const take = async (sharing: WantedCacheMount['sharing'], more: Partial<WantedCacheMount> = {}) => await mounts.take({ id: 'x', sharing, mode: 0o700, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, ...more }, signal)

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'gantry-mounts-'))
    database = new CacheDatabase(root)
    mounts = new CacheMounts(path.join(root, 'mounts'), database)
  })
  afterEach(() => {
    database.close()
    rmSync(root, { recursive: true })
  })

  void test('a shared one is the same for all', async () => {
    const [one, two] = [await take('shared'), await take('shared')]
    assert.equal(one.path, two.path)
    assert.equal(statSync(one.path).mode & 0o777, 0o700)
  })

  void test('a private one is another while the first is in use, and the first after that', async () => {
    const [one, two] = [await take('private'), await take('private')]
    assert.notEqual(one.path, two.path)
    one.release()
    assert.equal((await take('private')).path, one.path)
  })

  void test('a locked one is waited for', async () => {
    const one = await take('locked')
    let taken = false
    const two = take('locked').then((mount) => {
      taken = true
      return mount
    })
    await new Promise((resolve) => void setImmediate(resolve))
    assert.equal(taken, false)
    one.release()
    assert.equal((await two).path, one.path)
  })

  void test('waiting ends with the build', async () => {
    await take('locked')
    const ending = new AbortController()
    const waiting = mounts.take({ id: 'x', sharing: 'locked', mode: 0o700, uid: 0, gid: 0 }, ending.signal)
    ending.abort(new Error('ended'))
    await assert.rejects(waiting, /ended/)
  })

  void test('it is filled once, and by that time whole', async () => {
    const { path: first } = await take('shared', { seed })
    writeFileSync(path.join(first, 'more'), 'y')
    assert.deepEqual(readdirSync((await take('shared', { seed })).path).toSorted(), ['more', 'seed'])
    await assert.rejects(take('shared', { id: 'fails', seed: async () => Promise.reject(new Error('no seed')) }), /no seed/)
    assert.deepEqual(readdirSync((await take('shared', { id: 'fails' })).path), [])
  })

  void test('what is removed by hand is forgotten', async () => {
    const { path: place, release } = await take('shared')
    release()
    rmSync(place, { recursive: true })
    assert.deepEqual(new CacheMounts(path.join(root, 'mounts'), database).isUsed('x'), false)
    assert.deepEqual(database.mounts(), [])
  })
})

async function seed(directory: string): Promise<void> {
  writeFileSync(path.join(directory, 'seed'), 'x')
}
