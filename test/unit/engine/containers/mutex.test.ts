import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Mutex } from '../../../../src/engine/containers/mutex.ts'

test('turns follow each other in the order of asking, also after one that failed', async () => {
  const lock = new Mutex()
  const done: number[] = []
  const turns = [1, 2, 3].map((number) => lock.run(async () => {
    await new Promise(setImmediate)
    done.push(number)
    if (number === 2) throw new Error('it fails')
  }))
  assert.deepEqual((await Promise.allSettled(turns)).map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled'])
  assert.deepEqual(done, [1, 2, 3])
})

test('a guest has left before a turn begins, is asked once, and stays at a turn that is joined', async () => {
  const lock = new Mutex()
  const told: string[] = []
  lock.guest = async () => {
    await new Promise(setImmediate)
    told.push('left')
    void lock.join(() => void told.push('back'))
  }
  await lock.join(() => void told.push('joined'))
  const first = lock.run(() => void told.push('first'))
  const second = lock.run(() => void told.push('second'))
  await Promise.all([first, second])
  await lock.join(() => undefined)
  assert.deepEqual(told, ['joined', 'left', 'first', 'second', 'back'])
  assert.equal(lock.guest, undefined)
})
