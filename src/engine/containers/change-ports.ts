import { GantryError } from '../../lib/errors.ts'
import { packPorts, unpackPorts } from '../../lib/port-table.ts'
import type { BoundPorts } from '../../net/contract.ts'
import { portRows } from '../../net/port-rows.ts'
import { withBoundPorts } from '../../net/published-ports.ts'
import type { PortBinding } from '../types/host-config.ts'
import type { Container } from './container.ts'
import { emitContainerEvent } from './container-events.ts'
import type { ContainersContext } from './context.ts'
import { wantedPorts } from './endpoints.ts'

/** Keys as in PortBindings. An empty list in `remove` means all bindings of that port, one without HostIp those on any address. */
export interface ChangePorts {
  add: Record<string, PortBinding[]>
  remove: Record<string, PortBinding[]>
}

/** Any address: for a look at the syntax alone. */
const anywhere = { ipv4: '0.0.0.0', ipv6: '::', routed4: false, routed6: false, bindingAddress: '', host4: true, host6: true, carriesIPv6: true }

/** Publishes more ports, or fewer: now, where the container runs, and at each later start. All changes are made or none. */
export async function changePorts(ctx: ContainersContext, container: Container, change: ChangePorts): Promise<BoundPorts> {
  portRows(change.add, anywhere)
  return container.lock.run(async () => {
    assertPublishes(container)
    const before = unpackPorts(wantedPorts(container))
    // Ephemeral ports that are open already keep their numbers, in the record as well.
    const wanted = added(removed(before, change.remove, container), change.add)
    if (container.state.Running) {
      try {
        await publish(ctx, container, { wanted, change })
      } catch (error) {
        container.ports = await ctx.networks.publish(container.id, withBoundPorts(before, container.ports))
        throw error
      }
    }
    container.hostConfig.PortBindings = packPorts(wanted)
    if (Object.keys(change.remove).length > 0) container.hostConfig.PublishAllPorts = false
    ctx.store.saveHostConfig(container)
    ctx.store.save(container)
    emitContainerEvent(ctx, container, 'update')
    return unpackPorts(container.ports)
  })
}

/** What only comes is a matter of what comes: the others are not looked at. */
async function publish(ctx: ContainersContext, container: Container, { wanted, change }: { wanted: Record<string, PortBinding[]>; change: ChangePorts }): Promise<void> {
  const more = Object.keys(change.remove).length === 0 ? await ctx.networks.publishMore(container.id, added({}, change.add)) : undefined
  if (more === undefined) container.ports = await ctx.networks.publish(container.id, withBoundPorts(wanted, container.ports))
  else Object.assign(container.ports, more)
}

function assertPublishes({ removed: isGone, state, hostConfig, name, networks }: Container): void {
  if (isGone || state.RemovalInProgress || state.Dead) throw new GantryError('Conflict', 'container is marked for removal and its ports cannot be changed')
  const mode = hostConfig.NetworkMode ?? ''
  if (mode !== 'host' && !mode.startsWith('container:') && !Object.hasOwn(networks, 'none')) return
  throw new GantryError('Conflict', `cannot publish ports of container ${name.replace(/^\//, '')}: it has no network of its own`)
}

function removed(bindings: Record<string, PortBinding[]>, unwanted: Record<string, PortBinding[]>, container: Container): Record<string, PortBinding[]> {
  const left = { ...bindings }
  const bound = unpackPorts(container.ports)
  for (const [key, list] of Object.entries(unwanted)) {
    const there = left[key] ?? []
    const going = list.length === 0 ? there : there.filter((one) => list.some((other) => isMeant(one, other, bound[key])))
    if (going.length === 0) throw new GantryError('NotFound', `No public port '${key}' published for ${container.name.replace(/^\//, '')}`)
    left[key] = there.filter((one) => !going.includes(one))
    if (left[key].length === 0) delete left[key]
  }
  return left
}

/** An ephemeral port may be named by the number it has got. */
function isMeant(binding: PortBinding, wish: PortBinding, bound: BoundPorts[string] | undefined): boolean {
  const isPort = binding.HostPort === wish.HostPort || (!binding.HostPort && bound?.some(({ HostPort }) => HostPort === wish.HostPort))
  return isPort === true && (!wish.HostIp || wish.HostIp === binding.HostIp)
}

function added(bindings: Record<string, PortBinding[]>, wanted: Record<string, PortBinding[]>): Record<string, PortBinding[]> {
  const all = { ...bindings }
  for (const [key, list] of Object.entries(wanted)) all[key] = [...(all[key] ?? []), ...(list.length === 0 ? [{}] : list)]
  return all
}
