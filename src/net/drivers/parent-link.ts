import { createChildLink, createDummy } from '../../kernel/netlink/child-link.ts'
import { deleteLink, findLink, setUp } from '../../kernel/netlink/link.ts'
import type { NetlinkSocket } from '../../kernel/netlink/socket.ts'
import { GantryError } from '../../lib/errors.ts'

const vlanName = /^(.+)\.(\d+)$/

/** @throws InvalidParameter for the name of a VLAN that cannot be */
export function checkParent(socket: NetlinkSocket, parent: string): void {
  if (parent === '' || findLink(socket, parent) !== undefined) return
  const [, base = '', idText = ''] = vlanName.exec(parent) ?? []
  if (base === '') throw new GantryError('InvalidParameter', `invalid subinterface vlan name ${parent}, example formatting is eth0.10`)
  const id = Number(idText)
  if (id < 1 || id > 4094) throw new GantryError('InvalidParameter', `vlan id must be between 1-4094, received: ${id}`)
  if (findLink(socket, base) === undefined) throw new GantryError('InvalidParameter', `failed to find master interface ${base} on the Docker host: Link not found`)
}

/**
 * The link that carries a network, up: one that is there, the VLAN that its name means ("eth0.10"), or a dummy when no
 * parent was asked for.
 * @returns its index and whether this call made it
 */
export function ensureParent(socket: NetlinkSocket, name: string): { index: number; made: boolean } {
  const there = findLink(socket, name)
  if (there !== undefined) {
    if (!there.up) socket.batch(setUp({ index: there.index }))
    return { index: there.index, made: false }
  }
  const [, base, id] = vlanName.exec(name) ?? []
  const master = base === undefined ? undefined : findLink(socket, base)
  if (base !== undefined && master === undefined) throw new GantryError('Unavailable', `cannot use parent interface ${name}: there is no interface ${base}`)
  socket.batch([master === undefined ? createDummy(name) : createChildLink({ kind: 'vlan', name, parent: master.index, id: Number(id) }), ...setUp({ index: 0, name })])
  const made = findLink(socket, name)
  if (made === undefined) throw new Error(`cannot find link ${name} that was just made`)
  return { index: made.index, made: true }
}

export function removeParent(socket: NetlinkSocket, name: string): void {
  socket.batch([deleteLink(name)])
}

/** The name of a parent that nobody asked for. */
export function dummyName(driver: 'macvlan' | 'ipvlan', networkId: string): string {
  return `${driver === 'macvlan' ? 'dm' : 'di'}-${networkId.slice(0, 12)}`
}
