import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { linuxKernel } from '../../src/kernel/linux.ts'
import { openNetworkService } from '../../src/net/service.ts'
import { findProgram } from '../e2e/harness/program.ts'
import { PrivateHost } from '../unit/net/private-host.ts'
import { median } from './timing.ts'

/** One way to a server in a container. */
export interface NetworkRow {
  title: string
  /** Gigabytes in a second, iperf3 with one stream. Undefined: it is not here. */
  gigabytes: number | undefined
  /** Requests of 64 bytes in a second on connections that stay, and the 99th percentile in ms. */
  requests: number
  p99: number
}

export interface PortCosts {
  /** Milliseconds to publish one more port, of the first ten and of the 491st to 500th. */
  first: number
  last: number
  /** To publish 10,000 ports in a row, and how many processes more there are then. */
  range: number
  processes: number
}

const [iperfPort, echoPort] = [5201, 5202]
export const connections = 64

/** Round by round, so that a disturbance meets every row. This process goes into a network namespace of its own for good. */
export async function measureNetwork(rounds: number): Promise<{ rows: NetworkRow[]; ports: PortCosts }> {
  const host = await PrivateHost.enter()
  const children: ChildProcess[] = []
  const service = openNetworkService({
    kernel: linuxKernel, root: `${host.folder}/network`, runtimeDir: `${host.folder}/run`, bridgeName: 'gbench0', bip: '172.30.0.1/16', mtu: 1500, userlandProxy: true,
  })
  try {
    await service.recover(new Set())
    const load = `${host.folder}/echo-load`
    execFileSync('gcc', ['-O2', '-o', load, path.join(import.meta.dirname, 'echo-load.c')])
    const [server, client] = [await host.namespace(), await host.namespace()]
    const one = await service.allocate({ networkId: 'bridge', containerId: 'one', containerName: 'one', portBindings: { [`${iperfPort}/tcp`]: [{ HostPort: '6201' }], [`${echoPort}/tcp`]: [{ HostPort: '6202' }] } })
    const two = await service.allocate({ networkId: 'bridge', containerId: 'two', containerName: 'two' })
    await service.attach(one.id, server)
    await service.attach(two.id, client)
    const hasIperf = findProgram('iperf3') !== undefined
    if (hasIperf) children.push(start(['nsenter', '-t', String(server), '-n', 'iperf3', '-s', '-p', String(iperfPort)]))
    children.push(start(['nsenter', '-t', String(server), '-n', load, 'serve', String(echoPort)]))
    const theirs = findProgram('docker-proxy')
    if (theirs !== undefined) {
      for (const [from, to] of [[7201, iperfPort], [7202, echoPort]] as const) {
        children.push(start([theirs, '-proto', 'tcp', '-host-ip', '127.0.0.1', '-host-port', String(from), '-container-ip', one.ipv4, '-container-port', String(to)]))
      }
    }
    const ways = [
      { title: 'bare veth', address: one.ipv4, ports: [iperfPort, echoPort] },
      { title: 'loopback port, gantry', address: '127.0.0.1', ports: [6201, 6202] },
      ...(theirs !== undefined ? [{ title: 'loopback port, docker-proxy', address: '127.0.0.1', ports: [7201, 7202] }] : []),
      { title: 'IPv6 loopback port, gantry-proxy', address: '::1', ports: [6201, 6202] },
      { title: 'host address from outside', address: '10.77.0.1', ports: [6201, 6202], from: host.outside },
      { title: 'container to container', address: one.ipv4, ports: [iperfPort, echoPort], from: client },
    ]
    await new Promise((resolve) => setTimeout(resolve, 500))
    const samples = ways.map((way) => ({ way, gigabytes: [] as number[], requests: [] as number[], p99: [] as number[] }))
    for (let round = 0; round < rounds; round++) {
      for (const sample of samples) {
        const { address, ports: [first = 0, second = 0], from } = { from: undefined, ...sample.way }
        if (hasIperf) sample.gigabytes.push(throughput(sample.way.title, host.run(`sleep 0.3; iperf3 -J -t 2 -c ${address} -p ${first}`, from)))
        const echo = JSON.parse(host.run(`${load} ask ${address} ${second} ${connections} 2`, from)) as { perSecond: number; p99: number }
        sample.requests.push(echo.perSecond)
        sample.p99.push(echo.p99)
      }
    }
    const rows = samples.map(({ way, gigabytes, requests, p99 }): NetworkRow => ({ title: way.title, gigabytes: hasIperf ? median(gigabytes) : undefined, requests: median(requests), p99: median(p99) }))
    return { rows, ports: await measurePorts(service, two.containerId) }
  } finally {
    for (const child of children) child.kill()
    await Promise.all(children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null).map((child) => once(child, 'exit')))
    await service.purge()
    await host.leave()
  }
}

export function networkText({ rows, ports }: { rows: readonly NetworkRow[]; ports: PortCosts }): string {
  return [
    `One stream of iperf3; requests of 64 bytes on ${connections} connections that stay, by echo-load.c, whose ends need one thread each.`, '',
    '| way | GB/s | requests/s | p99, ms |', '|---|---|---|---|',
    ...rows.map(({ title, gigabytes, requests, p99 }) => `| ${title} | ${gigabytes?.toFixed(2) ?? ''} | ${requests} | ${p99.toFixed(2)} |`), '',
    ...ratios(rows), '',
    `One more port: ${ports.first.toFixed(1)} ms among the first ten, ${ports.last.toFixed(1)} ms at the 500th. 10,000 ports in a row: ${ports.range.toFixed(0)} ms, ${ports.processes} more processes.`, '',
  ].join('\n')
}

async function measurePorts(service: ReturnType<typeof openNetworkService>, containerId: string): Promise<PortCosts> {
  const bindings: Record<string, { HostPort: string }[]> = {}
  const times: number[] = []
  for (let port = 20_001; port <= 20_500; port++) {
    // Every other one, so that they are no range.
    bindings[`${port}/tcp`] = [{ HostPort: String(20_000 + 2 * (port - 20_000)) }]
    const start = performance.now()
    // As `gantry port add` does.
    await service.publishMore(containerId, { [`${port}/tcp`]: bindings[`${port}/tcp`] ?? [] })
    times.push(performance.now() - start)
  }
  const before = processes()
  const start = performance.now()
  await service.publish(containerId, Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`${30_000 + at}/udp`, [{ HostPort: String(30_000 + at) }]])))
  return { first: median(times.slice(0, 10)), last: median(times.slice(-10)), range: performance.now() - start, processes: Math.max(0, processes() - before) }
}

/** What the issue asks for: the loopback port beside docker-proxy's and beside the bare pair. */
function ratios(rows: readonly NetworkRow[]): string[] {
  const [veth, ours, theirs] = ['bare veth', 'loopback port, gantry', 'loopback port, docker-proxy'].map((title) => rows.find((row) => row.title === title))
  if (ours === undefined) return []
  const bytes = (other: NetworkRow | undefined): number => (ours.gigabytes ?? NaN) / (other?.gigabytes ?? NaN)
  return [
    `The loopback port to the bare pair: bytes ${bytes(veth).toFixed(2)} (target ≥ 0.90).`,
    ...(theirs === undefined ? [] : [`To docker-proxy: bytes ${bytes(theirs).toFixed(2)} (target ≥ 1.20), requests ${(ours.requests / theirs.requests).toFixed(2)} (target ≥ 2.50), p99 ${(ours.p99 / theirs.p99).toFixed(2)} (target ≤ 0.30).`]),
  ]
}

function throughput(title: string, json: string): number {
  const { error, end } = JSON.parse(json) as { error?: string; end: { sum_received?: { bits_per_second: number } } }
  if (end.sum_received === undefined) throw new Error(`iperf3 measured nothing on the way "${title}": ${error}`)
  return end.sum_received.bits_per_second / 8e9
}

/** Processes of this network namespace. */
function processes(): number {
  const own = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return own.filter((pid) => {
    try {
      return /gantry-proxy|proxy\/main\.ts/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    } catch {
      return false
    }
  }).length
}

function start([program = '', ...args]: string[]): ChildProcess {
  // docker-proxy reports on descriptor 3.
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
}
