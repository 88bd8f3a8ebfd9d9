import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventMessage, Events, Filters } from '../../../src/engine/engine.ts'
import { createEvents } from '../../../src/engine/events.ts'

function filters(entries: Record<string, string[]> = {}): Filters {
  return new Map(Object.entries(entries).map(([key, values]) => [key, new Set(values)]))
}

async function past(events: Events, wanted: Filters, since = 1): Promise<EventMessage[]> {
  return await Array.fromAsync(events.stream({ since, until: Date.now() + 1, filters: wanted, signal: new AbortController().signal }))
}

function someEvents(): Events {
  const events = createEvents()
  events.emit('image', 'tag', { ID: 'sha256:aa', Attributes: { name: 'localhost:5000/web:1' } })
  events.emit('container', 'create', { ID: 'c1ff', Attributes: { name: 'web', image: 'localhost:5000/web:1', color: 'red' } })
  events.emit('container', 'exec_start: sh', { ID: 'c1ff', Attributes: { name: 'web', image: 'localhost:5000/web:1', color: 'red' } })
  events.emit('network', 'connect', { ID: 'n1', Attributes: { name: 'bridge', container: 'c1ff' } })
  return events
}

const cases: [Record<string, string[]>, string[]][] = [
  [{}, ['tag', 'create', 'exec_start: sh', 'connect']],
  [{ type: ['container'] }, ['create', 'exec_start: sh']],
  [{ event: ['exec_start', 'connect'] }, ['exec_start: sh', 'connect']],
  [{ container: ['web'] }, ['create', 'exec_start: sh']],
  [{ container: ['c1'], event: ['create'] }, ['create']],
  [{ image: ['localhost:5000/web'] }, ['tag', 'create', 'exec_start: sh']],
  [{ image: ['sha256:aa'] }, ['tag']],
  [{ label: ['color=red'] }, ['create', 'exec_start: sh']],
  [{ label: ['color=blue'] }, []],
  [{ label: ['color'] }, ['create', 'exec_start: sh']],
  [{ network: ['bridge'] }, ['connect']],
  [{ daemon: ['x'] }, []],
]
for (const [wanted, actions] of cases) {
  void test(`events filtered by ${JSON.stringify(wanted)} are ${actions.join(', ') || 'none'}`, async () => {
    assert.deepEqual((await past(someEvents(), filters(wanted))).map(({ Action }) => Action), actions)
  })
}

void test('a filter that events do not have is ignored', async () => {
  assert.equal((await past(someEvents(), filters({ colour: ['red'] }))).length, (await past(someEvents(), filters())).length)
})

void test('the last 256 events are remembered, in an order that their nanoseconds keep', async () => {
  const events = createEvents()
  for (let index = 0; index < 300; index++) events.emit('volume', 'create', { ID: String(index), Attributes: {} })
  const messages = await past(events, filters())
  assert.deepEqual(messages.map(({ Actor }) => Number(Actor.ID)), Array.from({ length: 256 }, (_, index) => index + 44))
  assert(messages.every(({ timeNano }, index) => index === 0 || timeNano > (messages[index - 1]?.timeNano ?? 0n)))
  assert(messages.every(({ time, timeNano }) => BigInt(time) === timeNano / 1_000_000_000n))
})

void test('a listener hears what happens between its call and its first read, until it leaves', async () => {
  const events = createEvents()
  const controller = new AbortController()
  const stream = events.stream({ filters: filters(), signal: controller.signal })
  events.emit('container', 'start', { ID: 'a', Attributes: {} })
  const iterator = stream[Symbol.asyncIterator]()
  assert.equal(((await iterator.next()).value as EventMessage).Action, 'start')
  const next = iterator.next()
  events.emit('container', 'die', { ID: 'a', Attributes: {} })
  assert.equal(((await next).value as EventMessage).Action, 'die')
  const last = iterator.next()
  controller.abort()
  assert.equal((await last).done, true)
})

void test('without since the past is not told', async () => {
  const events = someEvents()
  const stream = events.stream({ until: Date.now() + 1, filters: filters(), signal: new AbortController().signal })
  assert.deepEqual(await Array.fromAsync(stream), [])
})

void test('a listener that does not read costs a bounded amount of memory', async () => {
  const events = createEvents()
  const controller = new AbortController()
  const stream = events.stream({ filters: filters(), signal: controller.signal })
  for (let index = 0; index < 20_000; index++) events.emit('volume', 'create', { ID: String(index), Attributes: {} })
  controller.abort()
  assert.equal((await Array.fromAsync(stream)).length, 4096)
})
