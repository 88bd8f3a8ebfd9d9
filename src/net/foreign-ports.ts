import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { PortBinding } from '../engine/types/host-config.ts'
import { GantryError } from '../lib/errors.ts'
import { unpackPorts } from '../lib/port-table.ts'
import type { BoundPorts } from './contract.ts'
import type { DriverTable } from './drivers/driver-table.ts'
import type { StoredEndpoint } from './endpoint-store.ts'
import { gatewayOrder } from './gateway-order.ts'
import type { PortRule } from './port-holder.ts'
import { portRows } from './port-rows.ts'
import type { Membership } from './gateway-order.ts'
import { withBoundPorts } from './published-ports.ts'

/** The container has no address yet. */
const nowhere = { ipv4: '0.0.0.0', ipv6: '::', routed4: false, routed6: false, bindingAddress: '', host4: true, host6: true, carriesIPv6: true }

/** The endpoint whose driver publishes the container's ports by itself: one that does already, or one where there is no bridge. */
export function foreignCarrier(members: readonly Membership<StoredEndpoint>[], drivers: DriverTable): StoredEndpoint | undefined {
  const able = gatewayOrder(members).filter(({ network }) => drivers.of(network.driver).carriesPorts?.(network))
  const carrying = able.find(({ endpoint }) => Object.keys(endpoint.bindings).length > 0)
  if (carrying !== undefined || members.some(({ network }) => network.driver === 'bridge')) return carrying?.endpoint
  return able[0]?.endpoint
}

/**
 * The endpoint with these ports, for its driver to open when it is attached. Nobody holds them: the driver's rules are all there is.
 * @throws Unavailable when it is attached already and they are other ones
 */
export async function foreignPorts(endpoint: StoredEndpoint, bindings: Record<string, PortBinding[]>, isAttached: boolean): Promise<StoredEndpoint> {
  const wanted = withBoundPorts(unpackPorts(bindings), endpoint.ports)
  if (JSON.stringify(wanted) === JSON.stringify(endpoint.bindings)) return endpoint
  if (isAttached) throw new GantryError('Unavailable', `cannot publish ports of container ${endpoint.containerName} while it runs: the driver of its network takes them when the container starts`)
  const ports: BoundPorts = {}
  for (const [key, list] of Object.entries(wanted)) {
    ports[key] = []
    for (const { HostIp = '', HostPort = '' } of list) {
      const [first = ''] = HostPort.split('-')
      ports[key].push({ HostIp: HostIp || '0.0.0.0', HostPort: first === '' || first === '0' ? String(await freePort()) : first })
    }
  }
  return { ...endpoint, ports, bindings: withBoundPorts(wanted, ports), reserved: rulesOf(ports) }
}

/** A single port, but without a socket, as ranges are: the driver's rules are all there is. */
function rulesOf(ports: BoundPorts): PortRule[] {
  return portRows(ports, nowhere).flatMap((row) => row.places.map(({ hostIp, containerIp }): PortRule => (
    { protocol: row.protocol, hostIp, hostPort: row.candidates?.first ?? 0, containerIp, containerPort: row.containerPort, count: 1 })))
}

/** Ports that nobody would open, where a configuration of CNI was meant to. @throws InvalidParameter */
export function assertPublishable(members: readonly Membership<StoredEndpoint>[], bindings: Record<string, PortBinding[]>): void {
  const network = members.find((one) => one.network.driver === 'cni')?.network
  if (network === undefined || Object.keys(bindings).length === 0 || members.some((one) => one.network.driver === 'bridge')) return
  throw new GantryError('InvalidParameter', `cannot publish ports on network ${network.name}: no plugin of its CNI configuration has the capability "portMappings"`)
}

/** One that no program listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
