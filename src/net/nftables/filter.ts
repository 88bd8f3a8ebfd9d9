import { existsSync } from 'node:fs'
import type { Kernel } from '../../kernel/kernel.ts'
import { loadRuleset, NftablesMaps } from '../../kernel/nftables.ts'
import type { Entrance } from '../firewall/entrance.ts'
import { allowForwarding, disallowForwarding } from '../forward-policy.ts'
import type { FilterState, PacketFilter } from '../packet-filter.ts'
import type { PortRule } from '../port-holder.ts'
import { elementOf, isIn, mapTypes, separate } from './port-maps.ts'
import type { MapName } from './port-maps.ts'
import { emptyTable, rulesetOf } from './ruleset.ts'
import { userChain, userTable } from './user-chain.ts'

/** Two tables of our own, `ip` and `ip6`, named after the engine. */
export class NftablesFilter implements PacketFilter {
  readonly #kernel: Kernel
  readonly #maps: NftablesMaps
  readonly #table: string
  readonly #families: readonly (4 | 6)[]
  readonly #entrance: Entrance
  #bridges: string[] = []
  /** Our tables as nft lists them, without the elements of maps; at which generation we looked. */
  #loaded = new Map<4 | 6, string>()
  #seen = 0
  #loads = 0
  #loading = 0

  constructor(kernel: Kernel, options: { table: string; ipv6: boolean; entrance: Entrance }) {
    this.#kernel = kernel
    this.#entrance = options.entrance
    this.#maps = new NftablesMaps(kernel)
    this.#table = options.table
    this.#families = options.ipv6 && existsSync('/proc/net/if_inet6') ? [4, 6] : [4]
  }

  async load(state: FilterState): Promise<string[]> {
    this.#loading++
    try {
      return await this.#load(state)
    } finally {
      this.#loading--
      this.#loads++
    }
  }

  async isWhole(): Promise<boolean> {
    if (this.#loading > 0) return true
    if (!this.#entrance.isThere) return false
    const generation = this.#maps.generation()
    if (generation === this.#seen || this.#loaded.size === 0) return true
    const loads = this.#loads
    const now = await this.#listed()
    // A load of ours came in between.
    if (loads !== this.#loads) return true
    this.#seen = generation
    return [...this.#loaded].every(([family, text]) => now.get(family) === text)
  }

  publish(rules: readonly PortRule[]): void {
    this.#change(rules, 'add')
  }

  withdraw(rules: readonly PortRule[]): void {
    this.#change(rules, 'remove')
  }

  async remove(): Promise<void> {
    this.#loaded.clear()
    await Promise.all([
      loadRuleset(this.#kernel, this.#families.map((family) => emptyTable(this.#table, family)).join('')),
      disallowForwarding(this.#kernel, this.#bridges),
      ...this.#families.map((family) => this.#removeUserChain(family)),
    ])
    this.#entrance.remove()
  }

  close(): void {
    this.#entrance.close()
    this.#maps.close()
  }

  async #load(state: FilterState): Promise<string[]> {
    const bridges = state.networks.map(({ bridge }) => bridge)
    const gone = this.#bridges.filter((bridge) => !bridges.includes(bridge))
    this.#bridges = bridges
    this.#entrance.ensure()
    const rulesets = new Map(this.#families.map((family) => [family, rulesetOf(this.#table, state, family, this.#entrance.names)]))
    const [, forwarding] = await Promise.all([
      loadRuleset(this.#kernel, [...rulesets].map(([family, text]) => text + userChain(this.#table, family)).join('')),
      allowForwarding(this.#kernel, bridges),
    ])
    if (gone.length > 0) await disallowForwarding(this.#kernel, gone)
    const listed = await this.#listed()
    // Somebody was here before we looked: what they left is nothing to compare with.
    this.#loaded = new Map([...listed].map(([family, text]) => [family, countRules(text) === countRules(rulesets.get(family) ?? '') ? text : 'changed']))
    this.#seen = 0
    return forwarding
  }

  async #listed(): Promise<Map<4 | 6, string>> {
    const texts = await Promise.all(this.#families.map(async (family) => [family, (await this.#kernel.tool(['nft', '-s', '-t', 'list', 'table', typeOf(family), this.#table])).stdout] as const))
    return new Map(texts)
  }

  /** A chain with rules is the administrator's and stays. */
  async #removeUserChain(family: 4 | 6): Promise<void> {
    const table = [typeOf(family), userTable(this.#table)]
    const { code, stdout } = await this.#kernel.tool(['nft', 'list', 'table', ...table])
    const lines = stdout.split('\n').map((line) => line.trim()).filter((line) => line !== '' && line !== '}')
    if (code === 0 && lines.length <= 3) await this.#kernel.tool(['nft', 'delete', 'table', ...table])
  }

  #change(rules: readonly PortRule[], what: 'add' | 'remove'): void {
    const changes = this.#families.flatMap((family) => {
      const own = rules.filter((rule) => rule.containerIp.includes(':') === (family === 6))
      return own.length === 0 ? [] : (Object.keys(mapTypes) as MapName[]).flatMap((map) => {
        const elements = own.filter((rule) => isIn(rule, map)).flatMap(separate).map((rule) => elementOf(rule, map))
        return elements.length > 0 ? [{ family, table: this.#table, map, [what]: elements }] : []
      })
    })
    if (changes.length > 0) this.#maps.change(...changes)
  }
}

function typeOf(family: 4 | 6): string {
  return family === 4 ? 'ip' : 'ip6'
}

/** Lines that are rules, in what we write and in what nft lists. */
function countRules(text: string): number {
  return text.split('\n').filter((line) => !/^\s*($|\}|table |delete |chain |map |set |type |flags )/.test(line)).length
}
