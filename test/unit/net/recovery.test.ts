import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import type { LocalNetworkService } from '../../../src/net/network-service.ts'
import { openNetworkService } from '../../../src/net/service.ts'
import { PrivateHost } from './private-host.ts'

void describe('after the engine died', () => {
  let host: PrivateHost
  let service: LocalNetworkService
  let engine: { pid: number; id: string }
  let id: string

  const openAgain = (): LocalNetworkService => openNetworkService({
    kernel: linuxKernel, root: `${host.folder}/network`, runtimeDir: `${host.folder}/run`, bridgeName: 'gtest0', bip: '172.30.0.1/16', mtu: 1500, userlandProxy: true,
  })
  const proxyPid = (): number => Number(readFileSync(`${host.folder}/run/proxy.pid`, 'utf8'))

  before(async () => {
    host = await PrivateHost.enter()
    engine = await host.engine(await host.namespace(80))
    id = engine.id
  })
  after(async () => {
    await service.purge()
    await host.leave()
  })

  void it('streams through published ports are not cut, and the same proxy goes on', async () => {
    const streams = await Promise.all(['127.0.0.1', '::1', '10.77.0.1'].map((address) => opened(address, 8080)))
    const first = proxyPid()
    await host.stop(engine.pid)
    service = openAgain()
    await service.recover(new Set([id]))
    assert.equal(proxyPid(), first)
    for (const stream of streams) assert.match(await said(stream), / hello$/)
    assert.equal(await host.ask('tcp', '10.77.0.1', 8080, host.outside), '10.77.0.2 hello')
    assert.equal(await host.ask('tcp', '::1', 8080), '172.30.0.1 hello')
  })

  void it('a rule set that somebody flushed is back', async () => {
    host.run('nft flush ruleset')
    await service.close()
    service = openAgain()
    await service.recover(new Set([id]))
    assert.equal(await host.ask('tcp', '10.77.0.1', 8080, host.outside), '10.77.0.2 hello')
  })

  void it('a proxy that was killed is started again', async () => {
    const killed = proxyPid()
    process.kill(killed, 'SIGKILL')
    for (let tries = 0; tries < 100 && (await host.ask('tcp', '::1', 8080)) !== '172.30.0.1 hello'; tries++) await sleep(20)
    assert.notEqual(proxyPid(), killed)
    assert.equal(await host.ask('tcp', '::1', 8080), '172.30.0.1 hello')
  })

  void it('endpoints that are no longer alive lose interface, port and address; strays go too', async () => {
    const dead = await service.allocate({ networkId: 'bridge', containerId: 'b', containerName: 'b', portBindings: { '80/tcp': [{ HostPort: '8081' }] } })
    await service.attach(dead.id, await host.namespace(80))
    host.run('ip link add veth0000000 type veth peer name stray1 && ip link set veth0000000 master gtest0')
    await service.close()
    service = openAgain()
    await service.recover(new Set([id]))
    const links = host.run('ip -o link')
    assert.doesNotMatch(links, new RegExp(`${dead.hostInterface}|veth0000000`))
    assert.doesNotMatch(host.run('nft list ruleset'), /8081/)
    assert.doesNotMatch(host.run('ss -ltnH'), /:8081/)
    assert.deepEqual(readdirSync(`${host.folder}/network/endpoints`), [`${id}.json`])
    const again = await service.allocate({ networkId: 'bridge', containerId: 'c', containerName: 'c', portBindings: {}, ipv4: dead.ipv4 })
    assert.equal(again.ipv4, dead.ipv4)
    await service.release(again.id)
  })

  void it('addresses that live on are not given again', async () => {
    await service.close()
    service = openAgain()
    await service.recover(new Set([id]))
    const given = new Set([service.endpoints('bridge')[0]?.ipv4])
    for (let number = 0; number < 20; number++) {
      const { ipv4 } = await service.allocate({ networkId: 'bridge', containerId: `d${number}`, containerName: 'd', portBindings: {} })
      assert.ok(!given.has(ipv4), ipv4)
      given.add(ipv4)
    }
  })

  void it('the proxy ends when the last port is closed and the engine leaves', async () => {
    const running = proxyPid()
    await service.recover(new Set())
    await service.close()
    for (let tries = 0; tries < 100 && isAlive(running); tries++) await sleep(20)
    assert.ok(!isAlive(running))
    // A bridge with a name of our own goes with its table.
    assert.doesNotMatch(host.run('ip -o link'), /gtest0/)
    assert.equal(host.run('nft list tables').trim(), '')
    service = openAgain()
    await service.recover(new Set())
  })
})

function opened(address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, address, () => resolve(socket))
    socket.once('error', reject)
  })
}

async function said(stream: Socket): Promise<string> {
  stream.write('hello')
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
