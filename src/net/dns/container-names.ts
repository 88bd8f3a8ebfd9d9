import { statSync } from 'node:fs'
import type { NameResolving } from '../contract.ts'
import { waysOut } from '../gateway-order.ts'
import type { Membership } from '../gateway-order.ts'
import { isPredefined } from '../network-list.ts'
import type { ServedContainer } from './control-protocol.ts'
import type { ResolverHolder } from './resolver-holder.ts'

/** Keeps what the resolver knows of containers in step with the networks that they are on. */
export class ContainerNames {
  readonly #holder: ResolverHolder
  readonly #served = new Map<string, ServedContainer>()

  constructor(holder: ResolverHolder) {
    this.#holder = holder
  }

  async serve(container: string, resolving: NameResolving, memberships: readonly Membership[]): Promise<void> {
    if (!memberships.some(({ network }) => !isPredefined(network))) return
    const { ino: namespace } = statSync(`/proc/${resolving.pid}/ns/net`)
    await this.#serve({ ...resolving, container, namespace, servers: [...resolving.servers], forwards: hasWayOut(memberships) })
  }

  /** The container is on other networks than before. */
  async changed(container: string, memberships: readonly Membership[]): Promise<void> {
    const served = this.#served.get(container)
    if (served === undefined) return
    if (memberships.length === 0) {
      this.#served.delete(container)
      await this.#holder.drop(container)
    } else if (served.forwards !== hasWayOut(memberships)) {
      await this.#serve({ ...served, forwards: hasWayOut(memberships) })
    }
  }

  /** After a restart: no others than these. */
  retain(containers: ReadonlySet<string>): Promise<void> {
    return this.#holder.retain(containers)
  }

  leave(): Promise<void> {
    return this.#holder.leave()
  }

  async #serve(served: ServedContainer): Promise<void> {
    this.#served.set(served.container, served)
    await this.#holder.serve(served)
  }
}

function hasWayOut(memberships: readonly Membership[]): boolean {
  const { ipv4, ipv6 } = waysOut(memberships)
  return ipv4 !== undefined || ipv6 !== undefined
}
