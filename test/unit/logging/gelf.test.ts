import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { gunzipSync, inflateSync } from 'node:zlib'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { gelf } from '../../../src/logging/gelf/gelf.ts'
import { eventually } from '../../e2e/harness/eventually.ts'
import { streamReceiver, udpReceiver } from './receivers.ts'
import { id, line, source } from './source.ts'

const message = {
  version: '1.1', host: hostname(), short_message: 'hi', timestamp: 1_767_323_045.678, level: 6,
  _container_id: id, _container_name: 'web', _image_id: source().imageId, _image_name: 'shop/web:1',
  _command: '/bin/serve -p 80', _tag: 'abcdef012345', _created: '2026-01-02T03:04:05.678Z', _team: 'a',
}

test('a message is compressed as asked', async () => {
  for (const [type, expand] of [['gzip', gunzipSync], ['zlib', inflateSync], ['none', (bytes: Buffer) => bytes]] as const) {
    await using receiver = await udpReceiver()
    const sender = await gelf.open(source({ 'gelf-address': `udp://127.0.0.1:${receiver.port}`, 'gelf-compression-type': type, labels: 'team' }), linuxKernel)
    await sender.send([line('hi'), line('no', { stream: 'stderr' })])
    await eventually(() => assert.equal(receiver.received.length, 2))
    const [first, second] = receiver.received.map((bytes) => JSON.parse(expand(bytes).toString()) as unknown)
    assert.deepEqual(first, message)
    assert.deepEqual(second, { ...message, short_message: 'no', level: 3 })
    sender.close()
  }
})

test('what is too long for a datagram goes in chunks that can be put together in any order', async () => {
  await using receiver = await udpReceiver()
  const sender = await gelf.open(source({ 'gelf-address': `udp://127.0.0.1:${receiver.port}` }), linuxKernel)
  const text = randomBytes(8000).toString('hex')
  await sender.send([line(text)])
  await eventually(() => assert.equal(receiver.received.length, receiver.received[0]?.readUInt8(11)))
  const chunks = receiver.received.toSorted((one, other) => one.readUInt8(10) - other.readUInt8(10))
  assert.equal(new Set(chunks.map((chunk) => chunk.toString('hex', 0, 10))).size, 1)
  assert.ok(chunks.every((chunk) => chunk.length <= 1420))
  const { short_message } = JSON.parse(gunzipSync(Buffer.concat(chunks.map((chunk) => chunk.subarray(12)))).toString()) as { short_message: string }
  assert.equal(short_message, text)
  sender.close()
})

test('over TCP a zero byte ends each message', async () => {
  await using receiver = await streamReceiver()
  const sender = await gelf.open(source({ 'gelf-address': `tcp://127.0.0.1:${receiver.port}`, labels: 'team' }), linuxKernel)
  await sender.send([line('hi'), line('hi')])
  await eventually(() => assert.equal(Buffer.concat(receiver.received).at(-1), 0))
  assert.deepEqual(Buffer.concat(receiver.received).toString().split('\0').slice(0, -1).map((one) => JSON.parse(one) as unknown), [message, message])
  sender.close()
})

test('bad options are refused in the words of Docker', () => {
  const udp = { 'gelf-address': 'udp://h:1' }
  const cases: [Record<string, string>, string][] = [
    [{}, 'gelf-address is a required parameter'],
    [{ 'gelf-address': 'h:1' }, 'gelf-address should be in form proto://address, got h:1'],
    [{ 'gelf-address': 'unix:///x' }, 'gelf: endpoint needs to be TCP or UDP'],
    [{ 'gelf-address': 'udp://h' }, 'gelf: please provide gelf-address as proto://host:port'],
    [{ ...udp, x: '' }, 'unknown log opt "x" for gelf log driver'],
    [{ ...udp, 'gelf-compression-type': 'lz4' }, 'unknown value "lz4" for log opt "gelf-compression-type" for gelf log driver'],
    [{ ...udp, 'gelf-compression-level': '10' }, 'unknown value "10" for log opt "gelf-compression-level" for gelf log driver'],
    [{ ...udp, 'gelf-tcp-max-reconnect': '1' }, '"gelf-tcp-max-reconnect" is only valid for TCP'],
    [{ 'gelf-address': 'tcp://h:1', 'gelf-compression-type': 'gzip' }, 'compression is only supported on UDP'],
  ]
  for (const [options, text] of cases) assert.throws(() => gelf.check(options), { message: text })
})

test('lines are tried for ever, or as often as gelf-tcp-max-reconnect says', () => {
  const tcp = { 'gelf-address': 'tcp://h:1' }
  assert.deepEqual(gelf.retry?.(tcp), { wait: 1000, limit: Number.POSITIVE_INFINITY })
  assert.deepEqual(gelf.retry?.({ ...tcp, 'gelf-tcp-max-reconnect': '2', 'gelf-tcp-reconnect-delay': '5' }), { wait: 5000, limit: 2 })
})
