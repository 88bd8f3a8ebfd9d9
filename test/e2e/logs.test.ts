import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { read } from './harness/processes.ts'
import { type Stage, engineUnderTest, throughEachClient, tiny } from './harness/stories.ts'

const skip = engineUnderTest === 'dockerd' && 'Docker 20.10 rotates otherwise'
const count = (first: number, last: number): string => Array.from({ length: last - first + 1 }, (_, i) => String(first + i)).join('\n')
const directoryOf = (stage: Stage, id: string): string => path.join(stage.engine.dataRoot, 'containers', id)

throughEachClient('logs', (stage) => {
  void test('a json-file log is rotated, compressed and read as one, also by who follows it', { skip }, async () => {
    const options = ['--log-opt', 'max-size=20k', '--log-opt', 'max-file=40', '--log-opt', 'compress=true', '--log-opt', 'labels=team', '--log-opt', 'env-regex=^STA', '--log-opt', 'tag={{.Name}}/{{.ImageName}}']
    const script = 'for i in 1 2 3 4; do seq $((i * 1500 - 1499)) $((i * 1500)); sleep 0.3; done'
    await using container = await stage.container('--name', 'rotated', '--label', 'team=a b', '-e', 'STAGE=test', ...options, tiny, 'sh', '-c', script)
    assert.equal(await stage.ok('logs', '-f', container.id), count(1, 6000))
    const directory = directoryOf(stage, container.id)
    const names = () => readdirSync(directory).filter((name) => name.includes('-json.log'))
    await eventually(() => assert.ok(names().length > 15 && names().every((name) => /\.log$|\.log\.\d+\.gz$/.test(name)), names().join(' ')))
    assert.equal(await stage.ok('logs', container.id), count(1, 6000))
    assert.equal(await stage.ok('logs', '-n', '2000', container.id), count(4001, 6000))
    assert.equal(await stage.ok('logs', '--details', '--tail', '1', container.id), `STAGE=test,tag=rotated%2F${tiny},team=a+b 6000`)
    const newest = readFileSync(await container.inspect('{{.LogPath}}'), 'utf8').trimEnd().split('\n').at(-1)
    assert.match(newest ?? '', new RegExp(`^{"log":"6000\\\\n","stream":"stdout","attrs":{"STAGE":"test","tag":"rotated/${tiny}","team":"a b"},"time":"[^"]+Z"}$`))
    assert.match(execFileSync('zcat', [path.join(directory, `${container.id}-json.log.1.gz`)], { encoding: 'utf8' }), /^{"log":"\d+\\n",/)
  })

  void test('a log without options is rotated too, and since, until and timestamps choose across files', { skip }, async () => {
    await using container = await stage.container('--log-opt', 'max-size=1k', '--log-opt', 'max-file=9', tiny, 'sh', '-c', 'seq 1 20; sleep 1.2; seq 21 40; sleep 1.2; seq 41 60')
    await stage.ok('wait', container.id)
    const stamped = (await stage.ok('logs', '-t', container.id)).split('\n')
    assert.deepEqual(stamped.map((line) => line.split(' ')[1]), count(1, 60).split('\n'))
    const at = (index: number): string => stamped[index]?.split(' ')[0] ?? ''
    assert.equal(await stage.ok('logs', '--since', at(20), container.id), count(21, 60))
    assert.equal(await stage.ok('logs', '--since', at(20), '--until', at(39), container.id), count(21, 40))
    await using usual = await stage.container(tiny, 'sleep', '99')
    assert.equal(await usual.inspect('{{json .HostConfig.LogConfig}}'), '{"Type":"json-file","Config":{}}')
    assert.match(await stage.ok('info', '-f', '{{.Plugins.Log}} {{.LoggingDriver}}'), /^\[fluentd gelf journald json-file local syslog\] json-file$/)
  })

  void test('the local driver writes frames, keeps odd bytes and joins long lines', { skip }, async () => {
    const script = `printf 'a\\377b\\n'; head -c 40000 /dev/zero | tr '\\0' x; echo; echo err >&2; seq 1 400`
    await using container = await stage.container('--log-driver', 'local', '--log-opt', 'max-size=8k', '--log-opt', 'max-file=20', tiny, 'sh', '-c', script)
    assert.equal(await stage.ok('wait', container.id), '0')
    const { stdout, stderr } = await stage.docker('logs', container.id)
    assert.equal(stderr, 'err\n')
    assert.equal(stdout.slice(4), `${'x'.repeat(40_000)}\n${count(1, 400)}\n`)
    assert.equal(await container.inspect('{{.LogPath}}'), '')
    const files = readdirSync(path.join(directoryOf(stage, container.id), 'local-logs'))
    assert.ok(files.length > 2, files.join(' '))
  })

  void test('without a driver nothing is kept', async () => {
    await using container = await stage.container('--log-driver', 'none', tiny, 'echo', 'gone')
    await stage.ok('wait', container.id)
    const { code, stderr } = await stage.docker('logs', container.id)
    assert.deepEqual([code, stderr.includes('configured logging driver does not support reading')], [1, true], stderr)
    assert.equal(await stage.ok('run', '--rm', '--log-driver', 'none', tiny, 'echo', 'shown'), 'shown')
  })

  void test('bad options are refused in the words of Docker', { skip }, async () => {
    const cases: [string[], string][] = [
      [['--log-driver', 'paper'], 'error looking up logging plugin paper: plugin "paper" not found'],
      [['--log-opt', 'x=1'], "unknown log opt 'x' for json-file log driver"],
      [['--log-driver', 'gelf'], 'gelf-address is a required parameter'],
      [['--log-opt', 'max-file=0'], 'failed to initialize logging driver: max-file cannot be less than 1'],
      [['--log-opt', 'max-size=much'], "failed to initialize logging driver: invalid size: 'much'"],
      [['--log-driver', 'syslog', '--log-opt', 'syslog-address=tcp://127.0.0.1:9'], 'failed to initialize logging driver: dial tcp 127.0.0.1:9: connect: connection refused'],
    ]
    for (const [options, text] of cases) {
      const { code, stderr } = await stage.docker('run', '--rm', ...options, tiny, 'true')
      assert.deepEqual([code, stderr.includes(text)], [125, true], stderr)
    }
  })

  void test('a hundred thousand lines pass quickly, also while the daemon is dead, and the monitor stays small', { skip }, async () => {
    await using container = await stage.container('--log-opt', 'max-size=1m', '--log-opt', 'max-file=30', tiny, 'sh', '-c', 'sleep 1; seq 1 100000; sleep 99')
    await stage.engine.kill9()
    const log = path.join(directoryOf(stage, container.id), `${container.id}-json.log`)
    await eventually(() => assert.match(read(log), /"100000\\n"/))
    await stage.engine.start()
    assert.equal((await stage.ok('logs', container.id)) === count(1, 100_000), true)
    const monitor = /^PPid:\s+(\d+)/m.exec(read(`/proc/${container.pid}/status`))?.[1]
    const [, dirty = ''] = /^Private_Dirty:\s+(\d+)/m.exec(read(`/proc/${monitor}/smaps_rollup`)) ?? []
    assert.ok(Number(dirty) > 0 && Number(dirty) < 400, `${dirty} kB`)
    assert.ok(statSync(log).size < 1_100_000)
  })
}, { images: [tiny] })

throughEachClient('logs by the defaults of the daemon', (stage) => {
  void test('they hold for containers that ask for nothing else', { skip }, async () => {
    await using usual = await stage.container(tiny, 'echo', 'hello')
    assert.equal(await usual.inspect('{{json .HostConfig.LogConfig}}'), '{"Type":"local","Config":{"max-file":"3","max-size":"5m"}}')
    await stage.ok('wait', usual.id)
    assert.equal(await stage.ok('logs', usual.id), 'hello')
    await using own = await stage.container('--log-driver', 'json-file', '--log-opt', 'max-size=7m', tiny, 'echo', 'hello')
    assert.equal(await own.inspect('{{json .HostConfig.LogConfig}}'), '{"Type":"json-file","Config":{"max-size":"7m"}}')
    assert.equal(await stage.ok('info', '-f', '{{.LoggingDriver}}'), 'local')
  })
}, { images: [tiny], flags: ['--log-driver', 'local', '--log-opt', 'max-size=5m', '--log-opt', 'max-file=3'] })
