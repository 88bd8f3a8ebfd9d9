import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
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

async function names(filters: Record<string, string[]>, options: { all?: boolean; limit?: number } = {}): Promise<string[]> {
  const found = await engine.room.containers.list({
    all: options.all ?? true,
    limit: options.limit ?? 0,
    size: false,
    filters: new Map(Object.entries(filters).map(([key, values]) => [key, new Set(values)])),
  })
  return found.map(({ Names }) => (Names[0] ?? '').slice(1))
}

/** old: stopped with 3; web: running with a port; new: never started. */
async function three(): Promise<{ old: string; web: string }> {
  const old = await engine.create({ name: 'old', config: { Labels: { tier: 'back' } } })
  await engine.room.containers.start(old)
  const exit = engine.room.containers.wait(old, 'next-exit', () => undefined)
  engine.tasks.only.exit(3)
  await exit
  const web = await engine.create({ name: 'web', config: { ExposedPorts: { '80/tcp': {}, '53/udp': {} } }, hostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } } })
  await engine.room.containers.start(web)
  await engine.create({ name: 'new', config: { Cmd: ['echo', 'a b'] } })
  return { old, web }
}

test('running containers are listed, all of them when asked, newest first', async () => {
  await three()
  assert.deepEqual(await names({}, { all: false }), ['web'])
  assert.deepEqual(await names({}), ['new', 'web', 'old'])
  assert.deepEqual(await names({}, { all: false, limit: 2 }), ['new', 'web'])
})

test('each filter chooses', async () => {
  const { old, web } = await three()
  const cases: [Record<string, string[]>, string[]][] = [
    [{ name: ['we', 'ol'] }, ['web', 'old']],
    [{ name: ['^/web$'] }, ['web']],
    [{ id: [web.slice(0, 9)] }, ['web']],
    [{ label: ['tier'] }, ['old']],
    [{ label: ['tier=back', 'from=image'] }, ['old']],
    [{ label: ['tier=front'] }, []],
    [{ status: ['exited', 'created'] }, ['new', 'old']],
    [{ exited: ['3'] }, ['old']],
    [{ before: ['web'] }, ['old']],
    [{ since: [old] }, ['new', 'web']],
    [{ ancestor: ['busybox'] }, ['new', 'web', 'old']],
    [{ ancestor: ['other'] }, []],
    [{ network: ['bridge'] }, ['new', 'web', 'old']],
    [{ publish: ['8000-9000'] }, ['web']],
    [{ publish: ['80'] }, []],
    [{ expose: ['53/udp'] }, ['web']],
    [{ expose: ['53'] }, []],
    [{ health: ['none'], 'is-task': ['false'] }, ['new', 'web', 'old']],
    [{ 'is-task': ['true'] }, []],
    [{ volume: ['/data'] }, []],
  ]
  for (const [filters, expected] of cases) assert.deepEqual(await names(filters), expected, JSON.stringify(filters))
})

test('unknown filters and values are refused in Docker\'s words', async () => {
  await assert.rejects(names({ foo: ['bar'] }), { kind: 'InvalidParameter', message: "invalid filter 'foo'" })
  await assert.rejects(names({ status: ['bogus'] }), { kind: 'InvalidParameter', message: "invalid filter 'status=bogus'" })
  await assert.rejects(names({ exited: ['x'] }), { message: `invalid filter 'exited=x': strconv.Atoi: parsing "x": invalid syntax` })
  await assert.rejects(names({ health: ['x'] }), { message: 'unrecognized filter value for health: x' })
  await assert.rejects(names({ publish: ['1:2'] }), { message: "filter for 'publish' should not contain ':': 1:2" })
  await assert.rejects(names({ publish: ['3-2'] }), { message: 'error while looking up for publish 3-2: Invalid range specified for the Port: 3-2' })
  await assert.rejects(names({ before: ['nosuch'] }), { kind: 'NotFound' })
})

test('a row shows command, ports and image as they are', async () => {
  await three()
  const rows = await engine.room.containers.list({ all: true, limit: 0, size: true, filters: new Map() })
  assert.equal(rows[0]?.Command, "echo 'a b'")
  assert.equal(rows[0]?.SizeRootFs, 1010)
  assert.deepEqual(rows[1]?.Ports, [
    { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    { PrivatePort: 53, Type: 'udp' },
  ])
  assert.equal(rows[1]?.Image, 'busybox')
  assert.deepEqual(rows[2]?.Ports, [])
})

test('prune removes what does not run and fits the filters', async () => {
  const { old } = await three()
  const pruned = await engine.room.containers.prune(new Map([['label', new Set(['tier'])]]))
  assert.deepEqual(pruned, { ContainersDeleted: [old], SpaceReclaimed: 10 })
  await engine.room.containers.prune(new Map())
  assert.deepEqual(await names({}), ['web'])
})

test('an ambiguous or unknown reference is told apart', async () => {
  const ids = new Set<string>()
  for (let i = 0; i < 20; i += 1) ids.add(await engine.create())
  const shared = '0123456789abcdef'.split('').find((digit) => [...ids].filter((id) => id.startsWith(digit)).length > 1) as string
  await assert.rejects(engine.room.containers.inspect(shared, { size: false }), { kind: 'InvalidParameter', message: `multiple IDs found with provided prefix: ${shared}` })
  await assert.rejects(engine.room.containers.inspect('nosuch', { size: false }), { kind: 'NotFound', message: 'No such container: nosuch' })
})
