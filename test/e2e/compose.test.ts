import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { type Compose, composeIn, composePlugin, install } from './compose/plugin.ts'
import { built, failing, type Project, shop } from './compose/projects.ts'
import type { Client } from './harness/client.ts'
import type { Engine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { assertNothingLeftOfContainers, type Footprint, takeFootprint } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { onOneEngine } from './harness/one-engine.ts'

const skip = composePlugin === undefined && 'there is no compose of the second generation here: scripts/setup tests fetches it'

const lines = (text: string) => text.split('\n').toSorted()

void describe('docker compose of the second generation', { concurrency: false, skip }, () => {
  let engine: Engine
  let docker: Client
  let clean: Footprint
  onOneEngine(async (own) => {
    ;({ engine, docker } = own)
    install(docker, composePlugin!)
    clean = await takeFootprint(engine)
    await provideImages(docker, [tiny])
  })

  function lay(name: string, project: Project): { directory: string; compose: Compose } {
    const directory = path.join(engine.directory, name)
    for (const [file, text] of Object.entries(project)) {
      mkdirSync(path.dirname(path.join(directory, file)), { recursive: true })
      writeFileSync(path.join(directory, file), text)
    }
    return { directory, compose: composeIn(directory, engine, docker) }
  }

  void test('a project of six services comes up in its order, does its work and goes', async () => {
    const { directory, compose } = lay('shop', shop)
    await compose.ok('up', '-d', '--wait')
    assert.deepEqual(lines(await compose.ok('ps', '-a', '--format', '{{.Name}} {{.State}} {{.Health}} {{.ExitCode}}')), [
      'shop-included-1 running  0', 'shop-migrate-1 exited  0', 'shop-probe-1 running  0', 'shop-probe-2 running  0',
      'shop-shared-1 running  0', 'shop-store-1 running healthy 0', 'shop-web-1 running healthy 0',
    ])
    assert.match(await compose.ok('ls', '-a'), /^shop +exited\(1\), running\(6\) +\S+compose\.yml$/m)

    const web = (line: string) => compose.ok('exec', '-T', 'web', 'sh', '-c', line)
    assert.equal(await web('echo $ROLE $FROM_FILE "$QUOTED"; hostname; ulimit -n; ulimit -Hn; cat /proc/sys/net/ipv4/ip_unprivileged_port_start'), 'front yes a b\nwebby\n100\n200\n0')
    assert.equal(await web('cat /page /inline /run/secrets/password /run/token'), 'a page\nof a word\na secret\nfrom the environment')
    assert.equal(await web("cat /proc/1/comm; stat -c %a /scratch; df -k /scratch /dev/shm | awk '$2 == 1024' | wc -l; grep -c '192.0.2.7.elsewhere' /etc/hosts"), 'docker-init\n700\n2\n1')
    const [webId = ''] = (await compose.ok('ps', '-q', 'web')).split('\n')
    assert.equal(await docker.ok('inspect', '-f', '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.MemoryReservation}} {{.NetworkSettings.Networks.shop_front.IPAddress}}', webId), '67108864 500000000 50 16777216 10.77.0.5')
    assert.equal(await compose.ok('exec', '-T', 'shared', 'sh', '-c', 'cat /web/page /data/log; wget -qO- http://127.0.0.1/log'), 'a page\nkept\nkept')
    assert.notEqual((await compose('exec', '-T', 'probe', 'wget', '-T', '2', '-qO-', 'http://store/')).code, 0)

    const address = await compose.ok('port', 'web', '8081')
    assert.match(address, /^0\.0\.0\.0:\d+$/)
    assert.match(await engine.host.must(['curl', '-sS', '-m', '10', 'http://127.0.0.1:18080/index.html']), /^kept$/m)
    await eventually(async () => assert.match(await compose.ok('logs', '--no-color', 'probe'), /probe-1 +\| kept$/m))
    assert.match(await compose.ok('logs', '--no-log-prefix', '--no-color', '-n', '1', 'migrate'), /migrated$/)
    assert.match(await compose.ok('top', 'store'), /httpd -f -p 80/)

    await compose.ok('pause', 'web')
    assert.equal(await compose.ok('ps', 'web', '--format', '{{.State}}'), 'paused')
    await compose.ok('unpause', 'web')
    await compose.ok('cp', path.join(directory, 'web/password'), 'web:/tmp/')
    await compose.ok('cp', 'web:/tmp/password', path.join(directory, 'copied'))
    assert.equal(readFileSync(path.join(directory, 'copied'), 'utf8'), 'a secret\n')
    assert.deepEqual(readdirSync(path.join(directory, 'made')), [])

    await compose.ok('up', '-d', '--scale', 'probe=3')
    assert.equal((await compose.ok('ps', '-q', 'probe')).split('\n').length, 3)
    assert.equal((await compose.ok('ps', '-q', 'web')), webId, 'what did not change is not made again')
    await compose.ok('restart', 'store')
    await compose.ok('kill', 'probe')
    await eventually(async () => assert.equal(await compose.ok('ps', '-a', 'probe', '--format', '{{.State}} {{.ExitCode}}'), 'exited 137\nexited 137\nexited 137'))
    assert.match(await compose.ok('stats', '--no-stream', '--format', '{{.Name}}', 'web'), /^shop-web-1$/)
    const ran = await compose('run', '--rm', '-T', '--no-deps', '-e', 'MORE=2', '-w', '/tmp', '-u', '500', '--entrypoint', 'sh -c', 'probe', 'pwd; id -u; echo $MORE $INHERITED; exit 9')
    assert.deepEqual([ran.code, ran.stdout], [9, '/tmp\n500\n2 yes\n'], ran.stderr)
    await compose.ok('--profile', 'debug', 'up', '-d', '--no-recreate', 'debug')
    assert.match(await compose.ok('--profile', 'debug', 'exec', '-T', 'debug', 'ps'), /httpd -f -p 80/)
    await compose.ok('up', '-d', '--force-recreate', '--no-deps', 'web')
    assert.notEqual(await compose.ok('ps', '-q', 'web'), webId)
    assert.match(await compose.ok('images'), /^shop-web-1 +tiny +latest/m)

    await compose.ok('--profile', '*', 'down', '-v', '--remove-orphans')
    for (const list of [['ps', '-aq'], ['volume', 'ls', '-q'], ['network', 'ls', '-q', '--filter', 'name=shop']]) assert.equal(await docker.ok(...list), '')
    await assertNothingLeftOfContainers(engine, clean)
  })

  void test('services that end or fail give their exit codes', async () => {
    const { compose } = lay('failing', failing)
    const aborted = await compose('up', '--abort-on-container-exit', '--exit-code-from', 'bad')
    assert.equal(aborted.code, 3, aborted.stderr)
    assert.match(aborted.stdout, /bad-1 +\| .*before/)
    assert.match(aborted.stdout, /bad-1 exited with code 3/)
    assert.equal(await compose.ok('ps', '-a', '--format', '{{.Service}} {{.State}} {{.ExitCode}}'), 'bad exited 3\nlong exited 137')
    const waited = await compose('up', '-d', '--wait', 'bad')
    assert.equal(waited.code, 1)
    assert.match(waited.stderr, /container failing-bad-1 exited \(3\)/)
    const sick = await compose('--profile', 'sick', 'up', '-d', '--wait', 'sick')
    assert.match(sick.stderr, /container failing-sick-1 is unhealthy/)
    const after = await compose('--profile', 'after', 'up', '-d', 'after')
    assert.match(after.stderr, /service "bad" didn't complete successfully: exit 3/)
    // It has to be awaited before it ends: compose does not know of those that ended earlier.
    await compose.ok('--profile', 'brief', 'up', '-d', 'brief')
    assert.equal((await compose('--profile', 'brief', 'wait', 'brief')).code, 5)
    await compose.ok('--profile', '*', 'down', '-v')
    await assertNothingLeftOfContainers(engine, clean)
  })

  void test('a service is built, watched and kept in step with its files', async () => {
    const { directory, compose } = lay('built', built)
    await compose.ok('up', '-d', '--build', '--quiet-pull')
    assert.equal(await compose.ok('exec', '-T', 'app', 'cat', '/word', '/src/file'), 'said\none')
    assert.equal(await docker.ok('image', 'inspect', '-f', '{{index .Config.Labels "made.by"}}', 'built-app'), 'compose')
    const command = [...engine.host.enter, docker.program]
    const watch = spawn('env', [...command, 'compose', '--project-directory', directory, 'watch', '--no-up'], { env: docker.env, stdio: ['ignore', 'pipe', 'pipe'] })
    let told = ''
    for (const stream of [watch.stdout, watch.stderr]) stream.on('data', (chunk: Buffer) => (told += chunk.toString()))
    try {
      await eventually(() => assert.match(told, /watch(ing| enabled)/i), 20_000)
      writeFileSync(path.join(directory, 'src/file'), 'two\n')
      writeFileSync(path.join(directory, 'src/more'), 'three\n')
      await eventually(async () => assert.equal(await compose.ok('exec', '-T', 'app', 'cat', '/src/file', '/src/more'), 'two\nthree'), 20_000)
      rmSync(path.join(directory, 'src/more'))
      await eventually(async () => assert.equal(await compose.ok('exec', '-T', 'app', 'ls', '/src'), 'file'), 20_000)
      assert.doesNotMatch(told, /error/i)
    } finally {
      watch.kill('SIGTERM')
      await once(watch, 'exit')
    }
    await compose.ok('down', '--rmi', 'all')
    assert.equal(await docker.ok('images', '-q', 'built-app'), '')
  })
})
