import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { makeClient } from './harness/client.ts'
import { startEngine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { provideImages } from './harness/image.ts'
import { connect, makeHost, type NetworkHost } from './harness/network-host.ts'
import { findProgram } from './harness/program.ts'
import { engineUnderTest, tiny, throughEachClient, type Stage } from './harness/stories.ts'

const web = 'mkdir -p /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www'

/** A neighbour on a cable; answers what it gets from a port of the engine's host. */
async function withNeighbour(stage: Stage, story: (get: (port: number) => Promise<string>, host: NetworkHost) => Promise<void>): Promise<void> {
  const neighbour = await makeHost()
  const { host } = stage.engine
  try {
    await connect(host, neighbour, { subnet: '10.221.7' })
    await story(async (port) => (await neighbour.run(['curl', '-s', '--max-time', '1', `http://10.221.7.1:${port}/`])).stdout.trim(), host)
  } finally {
    await host.run(['nft', 'delete', 'table', 'inet', 'admin'])
    await host.run(['ip', 'link', 'delete', 'eth0'])
    await neighbour.close()
  }
}

const closed = ['nft', 'add table inet admin; add chain inet admin input { type filter hook input priority 0; policy drop; }; add rule inet admin input iifname "lo" accept; add rule inet admin input ct state established accept']

for (const flags of [[], ['--firewall-backend=iptables']]) {
  throughEachClient(`the host's firewall, ${flags[0] ?? 'by default'}`, (stage) => {
    void test('published ports obey the input rules of the host, also while the engine is away', async () => {
      await withNeighbour(stage, async (get, host) => {
        await using box = await stage.container('-p', '10600:80', tiny, 'sh', '-c', web)
        const name = box.id.slice(0, 12)
        await eventually(async () => assert.equal(await get(10_600), name))
        await host.must(closed)
        assert.equal(await get(10_600), '')
        assert.equal(await host.must(['curl', '-s', '--max-time', '1', 'http://127.0.0.1:10600/']), name)
        await stage.engine.kill9()
        assert.equal(await get(10_600), '')
        await host.must(['nft', 'add rule inet admin input tcp dport 10600 accept'])
        assert.equal(await get(10_600), name)
        await stage.engine.start()
        assert.equal(await get(10_600), name)
      })
    })

    void test('rules that somebody flushes come back, those of containers that start later as well', async () => {
      await withNeighbour(stage, async (get, host) => {
        await using box = await stage.container('-p', '10601:80', tiny, 'sh', '-c', web)
        await eventually(async () => assert.equal(await get(10_601), box.id.slice(0, 12)))
        await host.must(['nft', 'flush', 'ruleset'])
        await eventually(async () => assert.equal(await get(10_601), box.id.slice(0, 12)))
        await using later = await stage.container('-p', '10602:80', tiny, 'sh', '-c', web)
        await eventually(async () => assert.equal(await get(10_602), later.id.slice(0, 12)))
        assert.match(await host.must(['nft', 'list', 'ruleset']), flags.length === 0 ? /table ip gantry-docker0-user/ : /chain DOCKER-USER/)
      })
    })
  }, { flags, images: [tiny] })
}

throughEachClient('published ports past the input rules, when asked', (stage) => {
  void test('are open whatever the input rules say', async () => {
    await withNeighbour(stage, async (get, host) => {
      await using box = await stage.container('-p', '10603:80', tiny, 'sh', '-c', web)
      await host.must(closed)
      await eventually(async () => assert.equal(await get(10_603), box.id.slice(0, 12)))
    })
  })
}, { flags: ['--obey-input-rules=false'], images: [tiny] })

for (const [kind, proxy] of [['dockerd', path.resolve('bin/gantry-proxy')], ['gantryd', findProgram('docker-proxy')]] as const) {
  void test(`${kind} publishes ports through ${kind === 'dockerd' ? 'gantry-proxy' : 'docker-proxy'}`, { skip: ((proxy === undefined || findProgram(kind) === undefined) && 'dockerd is not here') || (engineUnderTest === 'dockerd' && 'told by the other run') }, async () => {
    const engine = await startEngine({ kind, flags: [`--userland-proxy-path=${proxy}`] })
    try {
      const client = makeClient('docker', engine)
      await provideImages(client, [tiny])
      {
        await using box = await client.container('-p', '[::1]:10610:80', '-p', '127.0.0.1:10611:80', tiny, 'sh', '-c', web)
        for (const url of ['http://[::1]:10610/', 'http://127.0.0.1:10611/']) {
          await eventually(async () => assert.equal(await engine.host.must(['curl', '-s', '-g', '--max-time', '2', url]), box.id.slice(0, 12)))
        }
        assert.match(await engine.host.must(['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "']), /-proto tcp -host-ip ::1 -host-port 10610 -container-ip 172\.\d+\.\d+\.\d+ -container-port 80/)
      }
      await eventually(async () => assert.equal((await engine.host.must(['ss', '-ltnH'])).includes(':10610'), false))
      await engine.shutDown()
    } finally {
      await engine.remove()
    }
  })
}
