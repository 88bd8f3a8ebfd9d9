import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, test } from 'node:test'
import { VolumeStore } from '../../../../src/engine/volumes/store.ts'

const id = 'c'.repeat(64)
let dataRoot = ''
let lines: string[] = []

beforeEach(() => {
  dataRoot = mkdtempSync(`${tmpdir()}/gantry-volumes-`)
  lines = []
})
afterEach(() => rmSync(dataRoot, { recursive: true, force: true }))

function open(): VolumeStore {
  return new VolumeStore({ dataRoot, log: (line) => lines.push(line) })
}

test('a volume is found again by a new engine as it was made', () => {
  const { record, isNew } = open().create({ Name: 'data', Labels: { a: 'b' }, DriverOpts: { type: 'tmpfs', device: 'tmpfs' } })
  assert.equal(isNew, true)
  assert.deepEqual(open().get('data'), record)
  assert.deepEqual(open().create({ Name: 'data', Labels: { other: 'labels' } }), { record, isNew: false })
  assert.match(record.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.equal(statSync(`${dataRoot}/volumes/data/_data`).mode & 0o777, 0o755)
})

test('a volume without a name gets one, and the label that says so', () => {
  const { record } = open().create({})
  assert.match(record.name, /^[0-9a-f]{64}$/)
  assert.deepEqual(record.labels, { 'com.docker.volume.anonymous': '' })
  assert.equal(open().create({ Name: 'x1', Labels: {}, DriverOpts: {} }).record.labels, null)
})

function refused(request: object, message: string): void {
  assert.throws(() => open().create(request), { kind: 'InvalidParameter', message })
}

test('names, options and drivers are checked in the words of Docker', () => {
  refused({ Name: 'a' }, 'create a: volume name is too short, names should be at least two alphanumeric characters')
  for (const Name of ['../x', '.hidden', 'a/b', 'a b', 'ä1', '-a']) refused({ Name }, `create ${Name}: ${JSON.stringify(Name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`)
  refused({ Name: 'ok', DriverOpts: { what: '' } }, 'create ok: invalid option: "what"')
  refused({ Name: 'ok', DriverOpts: { type: 'nfs' } }, 'create ok: missing required option: "device"')
  refused({ Name: 'ok', DriverOpts: { device: '/x' } }, 'create ok: missing required option: "type"')
  refused({ Name: 'ok', DriverOpts: { o: 'ro', type: 'none' } }, 'create ok: missing required option: "device"')
  refused({ Name: 'ok', DriverOpts: { size: '10m' } }, 'create ok: quota size requested but no quota support')
  refused({ Name: 'ok', DriverOpts: { size: 'big' } }, "create ok: invalid size: 'big'")
  assert.throws(() => open().create({ Name: 'ok', Driver: 'flocker' }), { kind: 'NotFound', message: 'create ok: error looking up volume plugin flocker: plugin "flocker" not found' })
  assert.throws(() => open().create({ Name: 'a'.repeat(256) }), /too long/)
  assert.deepEqual(readdirSync(`${dataRoot}/volumes`), [])
})

test('where the file system has project quotas, a size is one for all that the volume holds', () => {
  const limits: [number, string[]][] = []
  const quota = () => ({ set: (directory: string, bytes: number) => void limits.push([bytes, readdirSync(directory)]) })
  const store = new VolumeStore({ dataRoot, log: () => undefined, quota })
  for (const size of ['10m', '1.5GiB', '0']) store.create({ Name: `sized-${size}`, DriverOpts: { size } })
  // An empty directory: what is in it before does not count.
  assert.deepEqual(limits, [[10 << 20, []], [1.5 * 2 ** 30, []]])
})

test('what a container refers to is not removed', async () => {
  const store = open()
  store.create({ Name: 'data' })
  store.refer('data', id)
  store.refer('data', 'd')
  await assert.rejects(store.remove('data'), { kind: 'Conflict', message: `remove data: volume is in use - [${id}, d]` })
  store.release('data', id)
  store.release('data', 'd')
  await store.remove('data')
  await assert.rejects(store.remove('data'), { kind: 'NotFound', message: 'get data: no such volume' })
  assert.deepEqual(readdirSync(`${dataRoot}/volumes`), [])
})

test('half of a volume is removed at the next start', () => {
  open()
  mkdirSync(`${dataRoot}/volumes/.tmp-0123/_data/deep`, { recursive: true })
  open()
  assert.deepEqual(readdirSync(`${dataRoot}/volumes`), [])
})

test('a volume that was made for a container goes when there is no such container, and stays when there is', async () => {
  const store = open()
  for (const Name of ['lost', 'kept', 'shared']) store.create({ Name }, Name === 'kept' ? 'there' : id)
  const next = open()
  next.refer('shared', 'other')
  await next.settle((owner) => owner === 'there')
  assert.equal(next.find('lost'), undefined)
  assert.deepEqual(readdirSync(`${dataRoot}/volumes`).toSorted(), ['kept', 'shared'])
  assert.equal(existsSync(`${dataRoot}/volumes/kept/container`), false)
  // Only what is owned at that moment is lost.
  await open().settle(() => false)
  assert.deepEqual(open().list().map(({ name }) => name).toSorted(), ['kept', 'shared'])
})

test('an anonymous volume of an engine without a volume store becomes one, or goes when its container has', async () => {
  for (const [name, owner] of [['a'.repeat(64), id], ['b'.repeat(64), 'gone']] as const) {
    mkdirSync(`${dataRoot}/volumes/${name}/_data`, { recursive: true })
    writeFileSync(`${dataRoot}/volumes/${name}/_data/file`, name)
    writeFileSync(`${dataRoot}/volumes/${name}/container`, owner)
  }
  const store = open()
  store.refer('a'.repeat(64), id)
  await store.settle((owner) => owner === id)
  assert.deepEqual(open().list().map(({ name, labels }) => ({ name, labels })), [{ name: 'a'.repeat(64), labels: { 'com.docker.volume.anonymous': '' } }])
  assert.deepEqual(readdirSync(`${dataRoot}/volumes/${'a'.repeat(64)}`).toSorted(), ['_data', 'volume.json'])
})

test('a volume whose record cannot be read is left alone', () => {
  mkdirSync(`${dataRoot}/volumes/odd/_data`, { recursive: true })
  writeFileSync(`${dataRoot}/volumes/odd/volume.json`, '{"na')
  assert.equal(open().find('odd'), undefined)
  assert.ok(existsSync(`${dataRoot}/volumes/odd/_data`))
  assert.match(lines.join(), /cannot read volume odd/)
})
