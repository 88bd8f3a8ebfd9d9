import { existsSync } from 'node:fs'
import type { Kernel } from '../../kernel/kernel.ts'
import { loadRuleset, NftablesMaps } from '../../kernel/nftables.ts'
import { allowForwarding, disallowForwarding } from '../forward-policy.ts'
import type { FilterState, PacketFilter } from '../packet-filter.ts'
import type { PortRule } from '../port-holder.ts'
import { elementOf, mapOf, mapTypes, separate } from './port-maps.ts'
import type { MapName } from './port-maps.ts'
import { emptyTable, rulesetOf } from './ruleset.ts'

/** Two tables of our own, `ip` and `ip6`, named after the engine. */
export class NftablesFilter implements PacketFilter {
  readonly #kernel: Kernel
  readonly #maps: NftablesMaps
  readonly #table: string
  readonly #families: readonly (4 | 6)[]
  #bridges: string[] = []

  constructor(kernel: Kernel, options: { table: string; ipv6: boolean }) {
    this.#kernel = kernel
    this.#maps = new NftablesMaps(kernel)
    this.#table = options.table
    this.#families = options.ipv6 && existsSync('/proc/net/if_inet6') ? [4, 6] : [4]
  }

  async load(state: FilterState): Promise<string[]> {
    const bridges = state.networks.map(({ bridge }) => bridge)
    const gone = this.#bridges.filter((bridge) => !bridges.includes(bridge))
    this.#bridges = bridges
    const [, forwarding] = await Promise.all([
      loadRuleset(this.#kernel, this.#families.map((family) => rulesetOf(this.#table, state, family)).join('')),
      allowForwarding(this.#kernel, bridges),
    ])
    if (gone.length > 0) await disallowForwarding(this.#kernel, gone)
    return forwarding
  }

  publish(rules: readonly PortRule[]): void {
    this.#change(rules, 'add')
  }

  withdraw(rules: readonly PortRule[]): void {
    this.#change(rules, 'remove')
  }

  async remove(): Promise<void> {
    await Promise.all([
      loadRuleset(this.#kernel, this.#families.map((family) => emptyTable(this.#table, family)).join('')),
      disallowForwarding(this.#kernel, this.#bridges),
    ])
  }

  close(): void {
    this.#maps.close()
  }

  #change(rules: readonly PortRule[], what: 'add' | 'remove'): void {
    for (const family of this.#families) {
      const own = rules.filter((rule) => rule.containerIp.includes(':') === (family === 6))
      for (const map of Object.keys(mapTypes) as MapName[]) {
        const elements = own.filter((rule) => mapOf(rule) === map).flatMap(separate).map((rule) => elementOf(rule, map))
        if (elements.length > 0) this.#maps.change({ family, table: this.#table, map, [what]: elements })
      }
    }
  }
}
