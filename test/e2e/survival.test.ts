import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from './harness/eventually.ts'
import { connect, makeHost } from './harness/network-host.ts'
import { alive, commandLine, parentOf } from './harness/processes.ts'
import { engineUnderTest, tiny, throughEachClient } from './harness/stories.ts'

const file = (from: string, name: string): string[] => ['curl', '-sfg', '--max-time', '60', `http://${from}:10541/${name}`]

throughEachClient('survival of the daemon', (stage) => {
  void test('one program answers the API', async () => {
    assert.deepEqual(await stage.engine.api({ path: '/_ping' }).then(({ status, text }) => [status, text]), [200, 'OK'])
    for (const path of ['/version', '/info', '/v1.41/info']) assert.equal((await stage.engine.api({ path })).status, 200, path)
  })

  void test('containers, their output and their exit codes are found again after kill -9', async () => {
    await using running = await stage.container(tiny, 'sh', '-c', 'i=0; while :; do echo line $i; i=$((i+1)); sleep 0.1; done')
    const brief = await stage.ok('run', '-d', tiny, 'sh', '-c', 'echo started; sleep 2; echo ended; exit 7')
    const monitor = parentOf(running.pid)
    await stage.engine.kill9()
    await sleep(3000)
    assert.ok(alive(running.pid))
    assert.equal(parentOf(running.pid), monitor)
    await stage.engine.start()

    assert.equal(await running.inspect('{{.State.Status}} {{.State.Pid}}'), `running ${running.pid}`)
    assert.equal(await stage.ok('ps', '-q', '--no-trunc'), running.id)
    assert.equal(await stage.ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', brief), 'exited 7')
    assert.equal(await stage.ok('wait', brief), '7')
    // Docker 20.10 reads no output while it is down and has none of it afterwards.
    if (engineUnderTest === 'gantryd') assert.equal(await stage.ok('logs', brief), 'started\nended')
    await stage.ok('rm', brief)

    const lines = (await stage.ok('logs', running.id)).split('\n')
    assert.ok(lines.length > 20, `${lines.length} lines`)
    if (engineUnderTest === 'gantryd') assert.deepEqual(lines, lines.map((_, index) => `line ${index}`))
    assert.equal(await stage.ok('exec', running.id, 'echo', 'still here'), 'still here')
  })

  void test('a container that is stopped after the restart ends as any other', async () => {
    await using container = await stage.container(tiny, 'sh', '-c', 'trap "exit 3" TERM; while :; do sleep 0.1; done')
    await stage.engine.kill9()
    await stage.engine.start()
    await stage.ok('stop', container.id)
    assert.equal(await container.inspect('{{.State.Status}} {{.State.ExitCode}}'), 'exited 3')
    assert.ok(!alive(container.pid))
  })

  void test('logs -f and wait that begin after the restart end with the container', async () => {
    const id = await stage.ok('run', '-d', tiny, 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done; exit 5')
    await stage.engine.kill9()
    await stage.engine.start()
    const [followed, waited] = await Promise.all([stage.ok('logs', '-f', id), stage.ok('wait', id)])
    assert.equal(followed, '1\n2\n3\n4\n5\n6\n7\n8')
    assert.equal(waited, '5')
    await stage.ok('rm', id)
  })

  void test('a --rm container that ends while the daemon is down is removed when it returns', { skip: engineUnderTest === 'dockerd' && 'Docker 20.10 forgets it' }, async () => {
    const id = await stage.ok('run', '-d', '--rm', tiny, 'sleep', '1')
    await stage.engine.kill9()
    await sleep(1500)
    await stage.engine.start()
    await eventually(async () => assert.equal(await stage.ok('ps', '-aq', '--no-trunc', '--filter', `id=${id}`), ''))
  })

  void test('a connection through a published port stays open while the daemon dies and returns', { skip: engineUnderTest === 'dockerd' && 'its proxies die with it' }, async () => {
    await using server = await stage.container('-p', '10540:7000', tiny, 'nc', '-ll', '-p', '7000', '-e', 'cat')
    assert.ok(server.pid > 0)
    const words = [...stage.engine.host.enter, '/bin/busybox', 'nc', '127.0.0.1', '10540']
    const connection = spawn('/usr/bin/env', words, { stdio: ['pipe', 'pipe', 'inherit'] })
    let received = ''
    connection.stdout.on('data', (chunk: Buffer) => (received += chunk.toString()))
    const echo = async (word: string) => {
      connection.stdin.write(`${word}\n`)
      await eventually(() => assert.ok(received.endsWith(`${word}\n`), received))
    }
    await echo('before')
    await stage.engine.kill9()
    await echo('while it is dead')
    await stage.engine.start()
    await echo('after')
    connection.kill()
    await once(connection, 'exit')
  })

  void test('downloads through a published port lose no byte while the daemon dies and returns, and its rules are as they were', { skip: engineUnderTest === 'dockerd' && 'its proxies die with it' }, async () => {
    const { host } = stage.engine
    const neighbour = await makeHost()
    try {
      await connect(host, neighbour, { subnet: '10.221.9' })
      await using server = await stage.container('-p', '10541:80', '-p', '127.0.0.1:10542:80/udp', tiny, 'sh', '-c', 'mkdir /www; seq 1 3000000 > /www/all; sha256sum < /www/all > /www/sum; exec httpd -f -p 80 -h /www')
      const sum = await eventually(() => host.must(file('127.0.0.1', 'sum')))
      // Counters count.
      const rules = async () => (await host.must(['nft', 'list', 'ruleset'])).replaceAll(/packets \d+ bytes \d+/g, '').split(/^(?=table )/m).map((table) => table.trim()).toSorted()
      const proxies = async () => (await host.must(['ss', '-ltnupH'])).split('\n').filter((line) => /:1054[12]\b/.test(line)).toSorted()
      const before = [await rules(), await proxies()]
      const slowly = (from: string, where = host) => where.must(['sh', '-c', `${file(from, 'all').join(' ')} --limit-rate 2M | sha256sum`])
      let over = false
      // By the kernel, by gantry-proxy, by the kernel from outside.
      const downloads = Promise.all([slowly('127.0.0.1'), slowly('[::1]'), slowly('10.221.9.1', neighbour)]).finally(() => (over = true))
      for (let round = 0; round < 2; round++) {
        await sleep(300)
        if (round === 0) assert.equal(over, false, 'nothing was on its way when the daemon died')
        await stage.engine.kill9()
        await sleep(300)
        assert.deepEqual([await rules(), await proxies()], before, 'while it is dead')
        await stage.engine.start()
        assert.deepEqual([await rules(), await proxies()], before, 'when it is back')
      }
      assert.deepEqual(await downloads, [sum, sum, sum])
      assert.ok(alive(server.pid))
      for (const from of ['127.0.0.1', '[::1]']) assert.equal(await host.must(file(from, 'sum')), sum)
    } finally {
      await host.run(['ip', 'link', 'delete', 'eth0'])
      await neighbour.close()
    }
    assert.deepEqual((await host.must(['ss', '-ltnuH'])).match(/:1054[12]\b/g), null)
    assert.doesNotMatch(await host.must(['nft', 'list', 'ruleset']), /1054[12]/)
  })

  void test('a daemon that was told to stop leaves its containers alone', async () => {
    await using container = await stage.container(tiny, 'sleep', '99')
    await stage.engine.stop()
    assert.ok(alive(container.pid), commandLine(container.pid).join(' '))
    await stage.engine.start()
    assert.equal(await container.inspect('{{.State.Pid}}'), String(container.pid))
  })
}, { images: [tiny] })
