import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync, mkdirSync, renameSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Kernel } from '../../../../src/kernel/kernel.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { HomeNamespace } from '../../../../src/kernel/netlink/namespace.ts'
import { nr } from '../../../../src/kernel/syscalls.ts'
import { InnerSockets } from '../../../../src/net/dns/inner-sockets.ts'
import { ResolverHolder } from '../../../../src/net/dns/resolver-holder.ts'
import { eventually } from '../../../e2e/harness/eventually.ts'
import { PrivateHost } from '../private-host.ts'

let host: PrivateHost
let names: string
const holders: ResolverHolder[] = []

before(async () => {
  host = await PrivateHost.enter()
  names = path.join(host.folder, 'names')
  mkdirSync(names)
})
after(async () => {
  for (const holder of holders) await holder.leave()
  await host.leave()
})

function holder(): ResolverHolder {
  const made = new ResolverHolder({ program: [process.execPath, path.join(import.meta.dirname, '../../../../src/net/dns/main.ts')], runtimeDir: path.join(host.folder, 'run'), names, log: () => {} })
  holders.push(made)
  return made
}

async function container(id: string, address: string): Promise<{ pid: number; serve: (by: ResolverHolder) => Promise<void> }> {
  const pid = await host.namespace()
  host.run('ip link set lo up', pid)
  const file = path.join(names, `${id}.json`)
  writeFileSync(`${file}.new`, JSON.stringify({ id, name: id, internal: false, endpoints: [{ endpointId: id, containerId: id, names: [id], ipv4: address, ipv6: '', links: [] }] }))
  renameSync(`${file}.new`, file)
  const { ino: namespace } = statSync(`/proc/${pid}/ns/net`)
  return { pid, serve: (by) => by.serve({ container: id, pid, namespace, servers: [], forwards: false, keepsShortNames: false }) }
}

function lookup(name: string, pid: number): string {
  return /Address: ([\d.]+)$/m.exec(host.run(`/bin/busybox timeout 2 /bin/busybox nslookup -type=a ${name} 127.0.0.11 2>/dev/null || true`, pid))?.[1] ?? ''
}

const resolverPid = (): number => Number(readFileSync(path.join(host.folder, 'run/dns.pid'), 'utf8'))
const descriptors = (): number => readdirSync(`/proc/${resolverPid()}/fd`).length

void describe('the resolver process', { concurrency: false }, () => {
  void it('answers in each namespace for its own container, survives its engine, and lets go of what is dropped', async () => {
    const [one, two] = [await container('one', '10.0.0.1'), await container('two', '10.0.0.2')]
    const first = holder()
    await one.serve(first)
    const alone = descriptors()
    await two.serve(first)
    assert.deepEqual([lookup('one', one.pid), lookup('two', two.pid), lookup('two', one.pid)], ['10.0.0.1', '10.0.0.2', ''])
    assert.match(host.run('nft list ruleset', one.pid), /ip daddr 127\.0\.0\.11 tcp dport 53 tcp dport set \d+/)
    assert.equal(host.run('nft list ruleset'), '', 'nothing of that is outside')
    await first.leave()
    assert.equal(lookup('one', one.pid), '10.0.0.1')
    const second = holder()
    await second.retain(new Set(['one']))
    await one.serve(second)
    assert.equal(lookup('two', two.pid), '')
    await eventually(() => assert.equal(descriptors(), alone))
    await second.drop('one')
    await eventually(() => assert.equal(host.run('nft list ruleset', one.pid), ''))
    await one.serve(second)
    assert.equal(lookup('one', one.pid), '10.0.0.1')
    await second.drop('one')
    await second.leave()
  })

  void it('is started again when somebody kills it', async () => {
    const { pid, serve } = await container('again', '10.0.0.3')
    const by = holder()
    await serve(by)
    const killed = resolverPid()
    process.kill(killed, 'SIGKILL')
    await eventually(() => assert.equal(lookup('again', pid), '10.0.0.3'))
    assert.notEqual(resolverPid(), killed)
    await by.drop('again')
    await by.leave()
  })

  void it('lets go of a namespace whose process has ended while there is no engine, and ends with the last', async () => {
    const { pid, serve } = await container('ends', '10.0.0.4')
    const by = holder()
    await serve(by)
    await by.leave()
    const left = resolverPid()
    await host.stop(pid)
    await eventually(() => assert.throws(() => process.kill(left, 0)))
  })

  void it('refuses a process that lives elsewhere than it should', async () => {
    const { pid } = await container('moved', '10.0.0.5')
    const by = holder()
    const wrong = { container: 'moved', pid, namespace: 1, servers: [], forwards: false, keepsShortNames: false }
    await assert.rejects(by.serve(wrong), /cannot resolve names for container moved: process \d+ does not live in network namespace 1/)
  })
})

void it('binds port 53 itself where the kernel has no nftables', async () => {
  const pid = await host.namespace()
  host.run('ip link set lo up', pid)
  const kernel: Kernel = { ...linuxKernel, syscall: (number, ...args) => (number === nr('socket') && args[0] === 16 && args[2] === 12 ? -93 : linuxKernel.syscall(number, ...args)) }
  const home = new HomeNamespace(kernel)
  const inside = new InnerSockets({ kernel, home }, { pid, namespace: statSync(`/proc/${pid}/ns/net`).ino })
  const { rules } = inside.listenAt('127.0.0.11')
  assert.equal(rules, undefined)
  assert.match(host.run('ss -lunH', pid), /127\.0\.0\.11:53 /)
  inside.close()
})
