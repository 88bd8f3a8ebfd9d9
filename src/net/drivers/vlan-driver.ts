import { randomBytes } from 'node:crypto'
import { createChildLink } from '../../kernel/netlink/child-link.ts'
import { deleteLink, findLink, renameLink } from '../../kernel/netlink/link.ts'
import { KernelError } from '../../kernel/failure.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Endpoint, NetworkInfo } from '../contract.ts'
import type { MadeLinks, NetworkDriver, WayOut } from './contract.ts'
import type { HostLinks } from './host-links.ts'
import { configureInside, deleteInside, innerName, linksInside } from './inner-interface.ts'
import { checkParent, dummyName, ensureParent, removeParent } from './parent-link.ts'
import { vlanOptions } from './vlan-options.ts'

/** On the wire of a parent interface: macvlan with MAC addresses of their own, ipvlan with the parent's. */
export class VlanDriver implements NetworkDriver {
  readonly #kind: 'macvlan' | 'ipvlan'
  readonly #links: HostLinks
  readonly #memory: MadeLinks

  constructor(kind: 'macvlan' | 'ipvlan', options: { links: HostLinks; memory: MadeLinks }) {
    this.#kind = kind
    this.#links = options.links
    this.#memory = options.memory
  }

  check(network: NetworkInfo, others: readonly NetworkInfo[]): void {
    const { parent } = vlanOptions(network)
    if (parent === 'lo') throw new GantryError('InvalidParameter', `loopback interface is not a valid ${this.#kind} parent link`)
    checkParent(this.#links.socket, parent)
    const twin = parent === '' ? undefined : others.find(({ driver, options }) => driver === this.#kind && options['parent'] === parent)
    if (twin !== undefined) throw new GantryError('Forbidden', `network ${dummyName(this.#kind, twin.id)} is already using parent interface ${parent}`)
  }

  hasGateway({ options }: Pick<NetworkInfo, 'options'>): boolean {
    const settings = vlanOptions({ driver: this.#kind, options })
    return settings.kind === 'macvlan' || settings.mode === 'l2'
  }

  setUp(network: NetworkInfo): void {
    const name = this.#parentOf(network)
    try {
      if (ensureParent(this.#links.socket, name).made) this.#memory.remember(network.id, name)
    } catch (error) {
      throw this.#missingModule(error)
    }
  }

  tearDown(network: NetworkInfo): void {
    if (!this.#memory.isOurs(network.id)) return
    removeParent(this.#links.socket, this.#parentOf(network))
    this.#memory.forget(network.id)
  }

  attach(network: NetworkInfo, endpoint: Endpoint, { pid, way }: { pid: number; way: WayOut }): string {
    const settings = vlanOptions(network)
    const parent = findLink(this.#links.socket, this.#parentOf(network))
    if (parent === undefined) throw new GantryError('Unavailable', `cannot connect to network ${network.name}: there is no interface ${this.#parentOf(network)}`)
    return this.#links.home.visit(pid, (inside, namespaceFd) => {
      const { links, lo } = linksInside(inside)
      const name = innerName(endpoint, links, settings.interfacePrefix)
      // Kernels before 6.14 look for the name in our own namespace, where the parent may well be called eth0.
      const born = `gtv${randomBytes(5).toString('hex')}`
      const place = { name: born, parent: parent.index, mtu: settings.mtu, namespaceFd }
      try {
        this.#links.socket.batch([createChildLink(settings.kind === 'macvlan'
          ? { ...place, kind: 'macvlan', mode: settings.mode, mac: endpoint.mac }
          : { ...place, kind: 'ipvlan', mode: settings.mode, flag: settings.flag })])
        inside.batch([renameLink(findLink(inside, born)?.index ?? 0, name)])
        configureInside(inside, endpoint, { name, lo, way })
      } catch (error) {
        inside.batch([deleteLink(born), deleteLink(name)])
        throw this.#missingModule(error)
      }
      return name
    })
  }

  detach(_network: NetworkInfo, endpoint: Endpoint, pid: number | undefined): void {
    // It goes with its namespace.
    if (pid === undefined || endpoint.containerInterface === '') return
    try {
      deleteInside(this.#links.home, endpoint.containerInterface, pid)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  close(): void {}

  #parentOf({ id, options }: NetworkInfo): string {
    return options['parent'] || dummyName(this.#kind, id)
  }

  /** EOPNOTSUPP and EINVAL for a kind of link say that the kernel does not know it. */
  #missingModule(error: unknown): unknown {
    if (!(error instanceof KernelError) || error.code !== 'EOPNOTSUPP') return error
    const word = / (macvlan|ipvlan|vlan|dummy) link /.exec(error.message)?.[1] ?? this.#kind
    return new GantryError('Unavailable', `${error.message.replace(/ gtv\w+/, '')}: the kernel module "${word === 'vlan' ? '8021q' : word}" is not loaded (modprobe ${word === 'vlan' ? '8021q' : word})`, { cause: error })
  }
}
