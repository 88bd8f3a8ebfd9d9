import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { parseProcStat } from '../../../../src/engine/containers/stats-host.ts'
import { parseNetDev } from '../../../../src/engine/containers/stats-networks.ts'
import { Waiters } from '../../../../src/engine/containers/waiters.ts'
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

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

void test('one reading a second serves all listeners, and none is made when they have left', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const id = await engine.create({ name: 'busy' })
  await engine.room.containers.start(id)
  const task = engine.tasks.only
  const leave = [new AbortController(), new AbortController()]
  const frames: number[][] = [[], []]
  const listening = leave.map(async ({ signal }, index) => {
    for await (const frame of await engine.room.containers.stats(id, { mode: 'stream', signal })) {
      frames[index]!.push(frame.cpu_stats.cpu_usage.total_usage - frame.precpu_stats.cpu_usage.total_usage)
    }
  })
  await settle()
  for (let second = 0; second < 3; second++) {
    t.mock.timers.tick(1000)
    await settle()
  }
  assert.deepEqual(frames, [[1e9, 1e9, 1e9, 1e9], [1e9, 1e9, 1e9, 1e9]])
  assert.equal(task.readings, 4)
  for (const controller of leave) controller.abort()
  await Promise.all(listening)
  t.mock.timers.tick(10_000)
  assert.equal(task.readings, 4)
})

void test('a stream of a container that stops has zeros, and ends with its removal', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const id = await engine.create()
  const read: string[] = []
  const listening = (async () => {
    for await (const frame of await engine.room.containers.stats(id, { mode: 'stream', signal: new AbortController().signal })) read.push(frame.read)
  })()
  await settle()
  t.mock.timers.tick(1000)
  await settle()
  assert.deepEqual(read, ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'])
  await engine.room.containers.remove(id, { force: false, volumes: false })
  t.mock.timers.tick(1000)
  await listening
})

void test('interfaces are counted by name, without loopback and those made inside', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:    1000      10    1    2    0     0          0         0     2000      20    3    4    0     0       0          0
  tun0:       5       5    5    5    0     0          0         0        5       5    5    5    0     0       0          0
`
  assert.deepEqual(parseNetDev(text), {
    eth0: { rx_bytes: 1000, rx_packets: 10, rx_errors: 1, rx_dropped: 2, tx_bytes: 2000, tx_packets: 20, tx_errors: 3, tx_dropped: 4 },
  })
})

void test('guest time is not counted twice in the time of the host', () => {
  assert.deepEqual(parseProcStat('cpu  1 2 3 4 5 6 7 0 100 100\ncpu0 1 2 3 4 5 6 7 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 5\n'), { cpu: 280_000_000, processors: 2 })
})

void test('who stops waiting is forgotten, and the others are told', async () => {
  const waiters = new Waiters()
  const controller = new AbortController()
  const abandoned = waiters.nextExit(controller.signal)
  const removal = waiters.removal(controller.signal)
  const kept = waiters.nextExit()
  assert.equal(waiters.size, 3)
  controller.abort(new Error('left'))
  await assert.rejects(abandoned, /left/)
  await assert.rejects(removal, /left/)
  assert.equal(waiters.size, 1)
  waiters.tellExit({ StatusCode: 3 })
  assert.deepEqual(await kept, { StatusCode: 3 })
  await assert.rejects(waiters.nextExit(controller.signal), /left/)
})

void test('a reading of all keeps files of those that run, and of nobody a minute after the last', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const [one, two] = [await engine.create({ name: 'one' }), await engine.create({ name: 'two' })]
  for (const id of [one, two]) await engine.room.containers.start(id)
  const [first, second] = [one, two].map((id) => engine.tasks.tasks.get(id))
  const used = async (): Promise<(number | undefined)[]> => (await engine.room.containers.statsOfAll()).containers.map((frame) => frame.cpu_stats.cpu_usage.total_usage - frame.precpu_stats.cpu_usage.total_usage)
  assert.deepEqual(await used(), [1e9, 1e9])
  assert.deepEqual(await used(), [1e9, 1e9])
  assert.deepEqual([first?.openReaders, second?.openReaders], [1, 1])
  await engine.room.containers.kill(two, 'KILL')
  await settle()
  assert.deepEqual(await used(), [1e9])
  assert.deepEqual([first?.openReaders, second?.openReaders], [1, 0])
  t.mock.timers.tick(60_000)
  assert.equal(first?.openReaders, 0)
})
