import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { tools } from '../harness/stories.ts'
import { attackEngine } from './stage.ts'

const timeout = 30_000

attackEngine('attacks with output and with sizes', (stage) => {
  void test('what a container prints cannot become a log record, a stream or a time of its own', async () => {
    const hostile = ['{"log":"forged\\n","stream":"stderr","time":"2000-01-01T00:00:00Z"}', 'a","stream":"stderr","log":"b', '\\u0000\\"}\\\\', 'tab\there', '\u001B]0;title\u0007', '\u2028\u2029', '"}\r{"log":"x"}']
    const text = hostile.map((line) => `${line}\n`).join('')
    const { stdout: id } = await stage.dockerWith({ input: text }, 'create', '-i', tools, 'sh', '-c', 'cat; printf "\\000\\377\\376\\342\\202 cut\\n"')
    const name = id.trim()
    await stage.dockerWith({ input: text }, 'start', '-i', name)
    const log = readFileSync(path.join(stage.engine.dataRoot, 'containers', name, `${name}-json.log`), 'utf8')
    const records = log.trimEnd().split('\n').map((line) => JSON.parse(line) as { log: string; stream: string; time: string })
    assert.deepEqual(records.slice(0, -1).map((record) => record.log), hostile.map((line) => `${line}\n`))
    for (const record of records) {
      assert.deepEqual(Object.keys(record).toSorted(), ['log', 'stream', 'time'])
      assert.equal(record.stream, 'stdout')
      assert.ok(Date.parse(record.time) > Date.parse('2024-01-01'))
    }
    const shown = await stage.docker('logs', name)
    assert.equal(shown.stderr, '')
    assert.ok(shown.stdout.startsWith(text))
  })

  void test('a frame header in the output is output', async () => {
    const { stdout, stderr } = await stage.docker('run', '--rm', tools, 'printf', '\\002\\000\\000\\000\\000\\000\\000\\004fake')
    assert.equal(stderr, '')
    assert.equal(stdout, '\u0002\0\0\0\0\0\0\u0004fake')
  })

  void test('ten thousand variables arrive, and what is too much is refused', async () => {
    const variables = Array.from({ length: 10_000 }, (_, index) => `V${index}=${'x'.repeat(20)}`)
    const create = async (change: Record<string, unknown>) => {
      const { status, text } = await stage.engine.api({ method: 'POST', path: '/containers/create', body: JSON.stringify({ Image: tools, Cmd: ['sh', '-c', 'env | grep -c ^V'], ...change }) })
      const { Id: id } = JSON.parse(text) as { Id?: string }
      if (status !== 201 || id === undefined) return { text }
      const run = await stage.dockerWith({ timeout }, 'start', '-a', id)
      await stage.ok('rm', '-f', id)
      return { text: run.stdout + run.stderr, code: run.code }
    }
    assert.equal((await create({ Env: variables })).text, '10000\n')
    const bombs: Record<string, Record<string, unknown>> = {
      'a variable of 1 MiB': { Env: [`V=${'x'.repeat(1 << 20)}`] },
      'variables of 16 MiB': { Env: Array.from({ length: 160 }, (_, index) => `V${index}=${'x'.repeat(100_000)}`) },
      'a path of 5000 characters': { WorkingDir: `/${'d'.repeat(5000)}` },
      'a path of 2500 directories': { WorkingDir: '/d'.repeat(2500) },
      'a name of 300 characters': { WorkingDir: `/${'d'.repeat(300)}` },
      'a user of 100,000 characters': { User: 'u'.repeat(100_000) },
      'a command of 5000 characters': { Cmd: [`/${'c'.repeat(5000)}`] },
      'a bind on 5000 characters': { HostConfig: { Binds: [`${stage.attackers}:/${'b'.repeat(5000)}`] } },
      'a host name of 5000 characters': { Hostname: 'h'.repeat(5000) },
      'a NUL byte in a command': { Cmd: ['echo', 'a\0b'] },
      'a NUL byte in a path': { WorkingDir: '/a\0b' },
    }
    for (const [name, bomb] of Object.entries(bombs)) {
      const { text, code } = await create(bomb)
      assert.notEqual(code, 0, `${name}: ${text.slice(0, 200)}`)
      assert.equal(await stage.ok('run', '--rm', tools, 'echo', 'fine'), 'fine', `after ${name}`)
    }
  })

  void test('the log of a container and the engine\'s files about it are not in it', async () => {
    const look = 'find / -xdev \\( -name "*-json.log" -o -name config.v2.json -o -name hostconfig.json -o -name program \\) 2>/dev/null; grep -c json.log /proc/self/mountinfo; ls /etc/.. /etc/hosts/.. 2>&1 | grep -c config'
    assert.equal(await stage.ok('run', '--rm', tools, 'sh', '-c', `${look}; true`), '0\n0')
    const swap = 'rm /etc/hosts; mv /etc/resolv.conf /x; ln -sf /x /etc/hostname; rm -rf /etc/hostname; true'
    await using container = await stage.container(tools, 'sh', '-c', `${swap}; exec sleep 99`)
    await stage.ok('restart', '-t', '0', container.id)
    assert.match(await stage.ok('exec', container.id, 'cat', '/etc/hosts'), /localhost/)
  })
})
