import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { unpackAll } from '../unit/logging/unpack.ts'
import { eventually } from './harness/eventually.ts'
import { receiveLogs } from './harness/receive-logs.ts'
import { engineUnderTest, throughEachClient, tiny } from './harness/stories.ts'

const skip = engineUnderTest === 'dockerd' && 'Docker 20.10 loses what it cannot send'
const count = (first: number, last: number): string => Array.from({ length: last - first + 1 }, (_, i) => String(first + i)).join('\n')

const linesOf = (text: string): number[] => [...text.matchAll(/: (\d+)\n/g)].map(([, line]) => Number(line))
const ended = (pid: number): string => readFileSync(`/proc/${pid}/root/ended`, 'utf8')

throughEachClient('logs that are sent on', (stage) => {
  void test('syslog gets every line in order, whoever dies meanwhile, and docker logs shows them too', { skip }, async () => {
    const first = await receiveLogs(stage.engine.host, 'tcp', 10_514)
    await using container = await stage.container('--name', 'sent', '--log-driver', 'syslog', '--log-opt', 'syslog-address=tcp://127.0.0.1:10514', '--log-opt', 'tag={{.Name}}', '--log-opt', 'syslog-facility=local0', tiny, 'sh', '-c', 'i=1; while [ $i -le 200 ]; do echo $i; i=$((i+1)); sleep 0.03; done; sleep 99')
    await eventually(() => assert.ok(linesOf(first.text()).length > 10))
    await stage.engine.kill9()
    await sleep(500)
    await stage.engine.start()
    const seen = linesOf(first.text()).length
    await eventually(() => assert.ok(linesOf(first.text()).length > seen))
    assert.match(first.text(), /^<134>\w{3} [ \d]\d \d\d:\d\d:\d\d sent\[\d+\]: 1\n/)
    await first[Symbol.asyncDispose]()
    await sleep(300)
    await using second = await receiveLogs(stage.engine.host, 'tcp', 10_514)
    await eventually(() => assert.equal(linesOf(second.text()).at(-1), 200), 30_000)
    const all = [...linesOf(first.text()), ...linesOf(second.text())]
    // What a receiver took in its last moment nobody can know: it may come twice, but never too late or not at all.
    assert.deepEqual([...new Set(all)], count(1, 200).split('\n').map(Number))
    assert.equal(await stage.ok('logs', container.id), count(1, 200))
    assert.equal(await stage.ok('logs', '--tail', '2', container.id), '199\n200')
  })

  void test('fluentd is connected to later when asked, and gets what was printed before', { skip }, async () => {
    const options = ['--log-driver', 'fluentd', '--log-opt', 'fluentd-address=127.0.0.1:10224', '--log-opt', 'tag=docker.{{.Name}}', '--log-opt', 'labels=team', '--log-opt', 'fluentd-retry-wait=100ms']
    const { code, stderr } = await stage.docker('run', '--rm', ...options, tiny, 'true')
    assert.deepEqual([code, stderr.includes('failed to initialize logging driver: dial tcp 127.0.0.1:10224: connect: connection refused')], [125, true], stderr)
    await using container = await stage.container('--name', 'later', '--label', 'team=a', ...options, '--log-opt', 'fluentd-async=true', tiny, 'sh', '-c', 'echo early; sleep 99')
    await eventually(async () => assert.equal(await stage.ok('logs', container.id), 'early'))
    await using receiver = await receiveLogs(stage.engine.host, 'tcp', 10_224)
    await eventually(() => assert.ok(receiver.parts().length > 0))
    const [event] = unpackAll(Buffer.concat(receiver.parts())) as [[string, number, unknown]]
    assert.deepEqual([event[0], event[2]], ['docker.later', { container_id: container.id, container_name: '/later', source: 'stdout', log: 'early', team: 'a' }])
    assert.ok(Math.abs(event[1] - Date.now() / 1000) < 60)
  })

  void test('fluentd-buffer-limit bounds what waits for it: the first lines do, the others go', { skip }, async () => {
    const options = ['fluentd-address=127.0.0.1:10226', 'fluentd-async=true', 'fluentd-retry-wait=100ms', 'fluentd-buffer-limit=50'].flatMap((option) => ['--log-opt', option])
    await using container = await stage.container('--log-driver', 'fluentd', ...options, tiny, 'sh', '-c', 'seq 1 200; until [ -e /go ]; do sleep 0.1; done; seq 201 300; sleep 99')
    await eventually(async () => assert.match(await stage.ok('logs', container.id), /\n200$/))
    await using receiver = await receiveLogs(stage.engine.host, 'tcp', 10_226)
    const numbers = (): number[] => (receiver.parts().flatMap(unpackAll) as [string, number, { log: string }][]).map(([, , { log }]) => Number(log))
    await eventually(() => assert.equal(numbers().length, 50))
    writeFileSync(`/proc/${container.pid}/root/go`, '')
    await eventually(() => assert.equal(numbers().at(-1), 300))
    assert.deepEqual(numbers(), [...count(1, 50).split('\n'), ...count(201, 300).split('\n')].map(Number))
    assert.equal(await stage.ok('logs', container.id), count(1, 300))
  })

  void test('gelf gets the last lines of a container that removes itself; a cache may be switched off', { skip }, async () => {
    await using receiver = await receiveLogs(stage.engine.host, 'udp', 12_201)
    const options = ['--log-driver', 'gelf', '--log-opt', 'gelf-address=udp://127.0.0.1:12201']
    await stage.ok('run', '--rm', ...options, tiny, 'sh', '-c', 'echo out; echo err >&2')
    await eventually(() => assert.equal(receiver.parts().length, 2))
    const messages = receiver.parts().map((piece) => JSON.parse(gunzipSync(piece).toString()) as Record<string, unknown>)
    assert.deepEqual(messages.map(({ short_message, level, _image_name }) => [short_message, level, _image_name]).toSorted(([a], [b]) => String(a).localeCompare(String(b))), [['err', 3, tiny], ['out', 6, tiny]])
    await using container = await stage.container(...options, '--log-opt', 'cache-disabled=true', tiny, 'echo', 'away')
    await stage.ok('wait', container.id)
    const { code, stderr } = await stage.docker('logs', container.id)
    assert.deepEqual([code, stderr.includes('configured logging driver does not support reading')], [1, true], stderr)
  })

  void test('a receiver that is away holds a container in blocking mode only, once the cache is full', { skip }, async () => {
    const options = ['--log-driver', 'fluentd', '--log-opt', 'fluentd-address=127.0.0.1:10225', '--log-opt', 'fluentd-async=true', '--log-opt', 'cache-max-size=20k', '--log-opt', 'cache-max-file=3', '--log-opt', 'fluentd-retry-wait=100ms']
    const script = 'seq 1 30000; echo finished >/ended; sleep 99'
    await using free = await stage.container(...options, '--log-opt', 'mode=non-blocking', tiny, 'sh', '-c', script)
    await using held = await stage.container(...options, '--log-opt', 'tag=held', tiny, 'sh', '-c', script)
    await eventually(() => assert.equal(ended(free.pid), 'finished\n'))
    assert.throws(() => ended(held.pid), { code: 'ENOENT' })
    await using receiver = await receiveLogs(stage.engine.host, 'tcp', 10_225)
    await eventually(() => assert.equal(ended(held.pid), 'finished\n'), 30_000)
    const lines = (): string => (receiver.parts().flatMap(unpackAll) as [string, number, { log: string }][]).filter(([tag]) => tag === 'held').map(([, , { log }]) => log).join('\n')
    await eventually(() => assert.equal(lines() === count(1, 30_000), true), 30_000)
    await eventually(() => assert.ok(readdirSync(path.join(stage.engine.dataRoot, 'containers', held.id)).some((name) => name.endsWith('.gz'))))
    assert.match(await stage.ok('logs', held.id), /\n30000$/)
  })
}, { images: [tiny] })
