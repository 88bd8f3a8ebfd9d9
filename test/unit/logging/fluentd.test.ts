import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { fluentd } from '../../../src/logging/fluentd/fluentd.ts'
import { eventually } from '../../e2e/harness/eventually.ts'
import { type Receiver, streamReceiver } from './receivers.ts'
import { id, line, source } from './source.ts'
import { unpackAll } from './unpack.ts'

const all = (receiver: Receiver): unknown[] => unpackAll(Buffer.concat(receiver.received))
const common = { container_id: id, container_name: '/web', source: 'stdout' }

test('each line is an event in message mode, with what was asked for of labels and variables', async () => {
  await using receiver = await streamReceiver()
  const sender = await fluentd.open(source({ 'fluentd-address': `127.0.0.1:${receiver.port}`, labels: 'team', 'env-regex': '^STA', tag: 'docker.{{.Name}}' }), linuxKernel)
  const long = 'x'.repeat(70_000)
  await sender.send([line('hi'), line(Buffer.of(0xff, 0x41), { stream: 'stderr' }), line(long, { partial: { id: 'p', ordinal: 1, last: false } })])
  const extra = { team: 'a', STAGE: 'test', STACK: 'blue' }
  await eventually(() =>
    assert.deepEqual(all(receiver), [
      ['docker.web', 1_767_323_045, { ...common, log: 'hi', ...extra }],
      ['docker.web', 1_767_323_045, { ...common, source: 'stderr', log: '\u00ffA', ...extra }],
      ['docker.web', 1_767_323_045, { ...common, log: long, ...extra, partial_message: 'true', partial_id: 'p', partial_ordinal: '1', partial_last: 'false' }],
    ]),
  )
  sender.close()
})

test('with acknowledgements a sending ends when every event has its own, and fails when the receiver goes first', async () => {
  const chunks: string[] = []
  const answer = (bytes: Buffer): Buffer =>
    Buffer.concat(
      unpackAll(bytes).map((event) => {
        const { chunk } = (event as [string, unknown, unknown, { chunk: string }])[3]
        chunks.push(chunk)
        return Buffer.concat([Buffer.of(0x81, 0xa3), Buffer.from('ack'), Buffer.of(0xa0 | chunk.length), Buffer.from(chunk)])
      }),
    )
  await using receiver = await streamReceiver({ answer })
  const options = { 'fluentd-request-ack': 'true', 'fluentd-sub-second-precision': 'true' }
  const sender = await fluentd.open(source({ ...options, 'fluentd-address': `tcp://127.0.0.1:${receiver.port}` }), linuxKernel)
  await sender.send([line('one'), line('two')])
  assert.equal(new Set(chunks).size, 2)
  assert.deepEqual((all(receiver)[0] as unknown[])[1], [1_767_323_045, 678_901_234])
  sender.close()
  await using silent = await streamReceiver()
  const waiting = await fluentd.open(source({ ...options, 'fluentd-address': `tcp://127.0.0.1:${silent.port}` }), linuxKernel)
  const sending = waiting.send([line('three')])
  await eventually(() => assert.equal(silent.received.length, 1))
  silent.hangUp()
  await assert.rejects(sending, { name: 'SendFailure' })
})

test('bad options are refused in the words of Docker', () => {
  const cases: [Record<string, string>, string][] = [
    [{ x: '1' }, "unknown log opt 'x' for fluentd log driver"],
    [{ 'fluentd-address': 'host:no' }, 'invalid fluentd-address host:no: strconv.Atoi: parsing "no": invalid syntax'],
    [{ 'fluentd-buffer-limit': 'much' }, "invalid size: 'much'"],
    [{ 'fluentd-retry-wait': '5' }, 'time: missing unit in duration "5"'],
    [{ 'fluentd-max-retries': '-1' }, 'strconv.ParseUint: parsing "-1": invalid syntax'],
    [{ 'fluentd-async': 'maybe' }, 'strconv.ParseBool: parsing "maybe": invalid syntax'],
    [{ 'fluentd-async': 'true', 'fluentd-async-connect': 'true' }, "conflicting options: cannot specify both 'fluentd-async' and 'fluentd-async-connect"],
  ]
  for (const [options, message] of cases) assert.throws(() => fluentd.check(options), { message })
  assert.equal(fluentd.connectsLater?.({ 'fluentd-async': 'true' }), true)
  assert.deepEqual(fluentd.retry?.({ 'fluentd-retry-wait': '1m30s', 'fluentd-max-retries': '3' }), { wait: 90_000, limit: 3 })
})

test('a receiver that does not read in time is left with fluentd-write-timeout', async () => {
  await using receiver = await streamReceiver({ deaf: true })
  const sender = await fluentd.open(source({ 'fluentd-address': `127.0.0.1:${receiver.port}`, 'fluentd-write-timeout': '50ms' }), linuxKernel)
  const much = line('x'.repeat(1 << 20))
  // What the kernels of both sides hold is taken; it is far from that much.
  await assert.rejects(sender.send(Array.from({ length: 32 }, () => much)), { name: 'SendFailure', message: 'i/o timeout' })
  sender.close()
})

test('with fluentd-async-reconnect-interval an old connection is replaced by a new one', async () => {
  await using receiver = await streamReceiver()
  const options = { 'fluentd-address': `127.0.0.1:${receiver.port}`, 'fluentd-async': 'true', 'fluentd-async-reconnect-interval': '100ms' }
  const sender = await fluentd.open(source(options), linuxKernel)
  await eventually(async () => {
    await sender.send([line('x')])
    assert.ok(receiver.connections() >= 3)
  })
  sender.close()
  await using once = await streamReceiver()
  const steady = await fluentd.open(source({ ...options, 'fluentd-async': 'false', 'fluentd-address': `127.0.0.1:${once.port}` }), linuxKernel)
  await new Promise((resolve) => setTimeout(resolve, 150))
  await steady.send([line('x')])
  await eventually(() => assert.equal(once.received.length, 1))
  assert.equal(once.connections(), 1)
  steady.close()
})
