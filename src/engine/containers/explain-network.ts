import { GantryError } from '../../lib/errors.ts'
import { unpackPorts } from '../../lib/port-table.ts'
import { sendTestPacket } from '../../net/explain/test-packet.ts'
import type { Outcome, Target } from '../../net/explain/test-packet.ts'
import { waysOf } from '../../net/explain/way.ts'
import type { Way } from '../../net/explain/way.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { notRunning } from './joined.ts'

/** What a test packet met: by which address it was sent, and what came of it. */
export interface TestPacket extends Target {
  outcome: Outcome
}

/** How packets get to a running container and away from it. @throws Conflict */
export async function explainNetwork(ctx: ContainersContext, container: Container): Promise<Way[]> {
  if (!container.state.Running) throw notRunning(container.id)
  const mode = container.hostConfig.NetworkMode ?? ''
  if (mode === 'host') return [onlyNote('host', 'the container uses the host\'s own interfaces: what holds for a program of the host holds for it')]
  const endpoints = ctx.networks.endpointsOf(container.id)
  if (endpoints.length === 0) return [onlyNote('null', 'the container has only its loopback interface')]
  const ways = await Promise.all(endpoints.map((endpoint) => waysOf(ctx.kernel, { network: ctx.networks.get(endpoint.networkId), endpoint, pid: container.state.Pid })))
  return ways.flat()
}

/** Sends a packet from here to a port: by its published address where it has one, else to the container's own. */
export async function testPort(ctx: ContainersContext, container: Container, port: string): Promise<TestPacket> {
  if (!container.state.Running) throw notRunning(container.id)
  const [number = '', protocol = 'tcp'] = port.split('/')
  if (!/^\d{1,5}$/.test(number) || Number(number) < 1 || Number(number) > 65_535) throw new GantryError('InvalidParameter', `invalid port: '${port}'`)
  if (protocol !== 'tcp' && protocol !== 'udp') throw new GantryError('InvalidParameter', `cannot send a test packet: invalid proto: ${protocol}`)
  const target = targetOf(ctx, container, { protocol, port: Number(number) })
  return { ...target, outcome: await sendTestPacket(target) }
}

function targetOf(ctx: ContainersContext, container: Container, { protocol, port }: Omit<Target, 'address'>): Target {
  const [published] = unpackPorts(container.ports)[`${port}/${protocol}`] ?? []
  if (published !== undefined) {
    const address = { '0.0.0.0': '127.0.0.1', '::': '::1' }[published.HostIp] ?? published.HostIp
    return { protocol, address, port: Number(published.HostPort) }
  }
  if (container.hostConfig.NetworkMode === 'host') return { protocol, address: '127.0.0.1', port }
  const [endpoint] = ctx.networks.endpointsOf(container.id)
  const address = endpoint?.ipv4 || endpoint?.ipv6
  if (address === undefined || address === '') throw new GantryError('Conflict', `cannot send a test packet to container ${container.name.replace(/^\//, '')}: it has no address`)
  return { protocol, address, port }
}

function onlyNote(driver: string, text: string): Way {
  return { network: driver === 'null' ? 'none' : driver, driver, family: 4, address: '', in: [], out: [{ at: 'note', name: driver, text }] }
}
