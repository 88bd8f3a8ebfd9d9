import { existsSync } from 'node:fs'
import type { Kernel } from '../../kernel/kernel.ts'
import { NftablesMaps } from '../../kernel/nftables.ts'
import type { Entrance } from '../firewall/entrance.ts'
import type { FilterState, PacketFilter } from '../packet-filter.ts'
import type { PortRule } from '../port-holder.ts'
import { chainsOf, jumpsOf, userChain } from './chains.ts'
import type { Chains, Table } from './chains.ts'
import { networkRules, portRules } from './rules.ts'
import type { ChainRule } from './rules.ts'

const tables: readonly Table[] = ['raw', 'nat', 'filter', 'security']
/** iptables-legacy changes no generation of nftables: at every so manieth question one looks anyway. */
const patience = 30

/** --firewall-backend=iptables: chains in the host's own tables, by the programs iptables and ip6tables. */
export class IptablesFilter implements PacketFilter {
  readonly #kernel: Kernel
  readonly #chains: Chains
  readonly #families: readonly (4 | 6)[]
  readonly #entrance: Entrance
  readonly #generations: NftablesMaps
  /** One program at a time: a withdrawal must not overtake what it withdraws. */
  #turn: Promise<unknown> = Promise.resolve()
  #loaded = new Map<4 | 6, string>()
  #seen = 0
  #questions = 0

  constructor(kernel: Kernel, options: { bridge: string; ipv6: boolean; entrance: Entrance }) {
    this.#kernel = kernel
    this.#chains = chainsOf(options.bridge)
    this.#entrance = options.entrance
    this.#generations = new NftablesMaps(kernel)
    this.#families = options.ipv6 && existsSync('/proc/net/if_inet6') ? [4, 6] : [4]
  }

  load(state: FilterState): Promise<string[]> {
    return this.#inTurn(async () => {
      this.#entrance.ensure()
      for (const family of this.#families) {
        const own = state.rules.filter((rule) => rule.containerIp.includes(':') === (family === 6))
        const rules = [...networkRules(this.#chains, state, { family, entrance: this.#entrance.names }), ...own.flatMap((rule) => this.#portRules(rule))]
        await this.#restore(family, await this.#script(family, rules))
        this.#loaded.set(family, await this.#shape(family))
      }
      return []
    })
  }

  publish(rules: readonly PortRule[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const [family, lines] of this.#byFamily(rules)) await this.#restore(family, script(lines, '-A'))
    })
  }

  withdraw(rules: readonly PortRule[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const [family, lines] of this.#byFamily(rules)) {
        if ((await this.#tool(family, '-restore', ['-w', '--noflush'], script(lines, '-D'))).code === 0) continue
        // One that is missing fails all: one by one.
        for (const { table, chain, rule } of lines) await this.#tool(family, '', ['-w', '-t', table, '-D', chain, ...rule.split(' ')])
      }
    })
  }

  isWhole(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#loaded.size === 0) return true
      if (!this.#entrance.isThere) return false
      const generation = this.#generations.generation()
      if (generation === this.#seen && ++this.#questions % patience !== 0) return true
      for (const [family, before] of this.#loaded) if ((await this.#shape(family)) !== before) return false
      this.#seen = generation
      return true
    })
  }

  remove(): Promise<void> {
    return this.#inTurn(async () => {
      this.#loaded.clear()
      for (const family of this.#families) {
        const saved = await this.#saved(family)
        for (const table of tables) {
          const lines = saved.get(table) ?? []
          const jumps = jumpsOf(this.#chains, family, this.#entrance.names).filter((jump) => jump.table === table && !jump.rule.endsWith(userChain) && lines.includes(`-A ${jump.chain} ${jump.rule}`))
          const chains = this.#chainsIn(table).filter((chain) => chain !== userChain && lines.some((line) => line.startsWith(`:${chain} `)))
          if (chains.length === 0) continue
          // All are emptied before any goes, for some lead to others.
          await this.#restore(family, `*${table}\n${[...chains.map((chain) => `:${chain} - [0:0]`), ...jumps.map(({ chain, rule }) => `-D ${chain} ${rule}`), ...chains.map((chain) => `-X ${chain}`)].join('\n')}\nCOMMIT\n`)
        }
      }
      this.#entrance.remove()
    })
  }

  close(): void {
    this.#entrance.close()
    this.#generations.close()
  }

  #portRules(rule: PortRule): ChainRule[] {
    return portRules(this.#chains, rule, { obeysInput: this.#entrance.names !== undefined })
  }

  #byFamily(rules: readonly PortRule[]): [4 | 6, ChainRule[]][] {
    return this.#families.map((family): [4 | 6, ChainRule[]] => [family, rules.filter((rule) => rule.containerIp.includes(':') === (family === 6)).flatMap((rule) => this.#portRules(rule))])
      .filter(([, lines]) => lines.length > 0)
  }

  #chainsIn(table: Table): string[] {
    const { ports, postrouting, forward, routed, loopback, input, enter } = this.#chains
    return { raw: [loopback], nat: [ports, postrouting], filter: [userChain, forward, routed], security: [input, enter] }[table]
  }

  /** Everything of ours anew, each table in one transaction; DOCKER-USER and the jumps only where they are missing. */
  async #script(family: 4 | 6, rules: readonly ChainRule[]): Promise<string> {
    const saved = await this.#saved(family)
    const { names, ends } = this.#entrance
    const jumps = jumpsOf(this.#chains, family, names)
    const otherwise = jumpsOf(this.#chains, family, names === undefined ? ends : undefined).filter(({ rule }) => !jumps.some((jump) => jump.rule === rule))
    return tables.filter((table) => table !== 'security' || names !== undefined || saved.get(table)?.includes(`:${this.#chains.input} - `)).map((table) => {
      const there = saved.get(table) ?? []
      const chains = this.#chainsIn(table).filter((chain) => chain !== userChain || !there.some((line) => line.startsWith(`:${userChain} `)))
      const missing = jumps.filter((jump) => jump.table === table && !there.includes(`-A ${jump.chain} ${jump.rule}`))
      const firsts = missing.filter(({ first }) => first).map(({ chain, rule }) => `-I ${chain} ${rule.endsWith(userChain) ? 1 : 2} ${rule}`)
      return [
        `*${table}`, ...chains.map((chain) => `:${chain} - [0:0]`),
        ...otherwise.filter((jump) => jump.table === table && there.includes(`-A ${jump.chain} ${jump.rule}`)).map(({ chain, rule }) => `-D ${chain} ${rule}`),
        ...(firsts.length === 1 && firsts[0]?.includes(' 2 ') && !there.some((line) => line.startsWith('-A FORWARD ')) ? firsts.map((line) => line.replace(' 2 ', ' 1 ')) : firsts),
        ...missing.filter(({ first }) => !first).map(({ chain, rule }) => `-A ${chain} ${rule}`),
        ...rules.filter((rule) => rule.table === table).map(({ chain, rule }) => `-A ${chain} ${rule}`),
        'COMMIT', '',
      ].join('\n')
    }).join('')
  }

  /** What does not change with published ports. */
  async #shape(family: 4 | 6): Promise<string> {
    const { ports, routed, input } = this.#chains
    const names = new Set(tables.flatMap((table) => this.#chainsIn(table)))
    const lines = [...(await this.#saved(family))].flatMap(([table, list]) => list.map((line) => `${table} ${line}`))
    const ours = lines.filter((line) => line.split(' ').some((word) => names.has(word.replace(/^:/, ''))))
    const changing = [ports, routed].map((chain) => ` -A ${chain} `)
    return ours.filter((line) => !changing.some((start) => line.includes(start)) && !(line.includes(` -A ${input} `) && line.includes('--dport')) && !line.includes(` -A ${userChain} `)).join('\n')
  }

  async #saved(family: 4 | 6): Promise<Map<string, string[]>> {
    const { stdout } = await this.#tool(family, '-save', [])
    const found = new Map<string, string[]>()
    let table: string[] = []
    for (const line of stdout.split('\n')) {
      if (line.startsWith('*')) found.set(line.slice(1), (table = []))
      else if (line.startsWith(':')) table.push(line.replace(/ \[.*$/, ' '))
      else if (line.startsWith('-')) table.push(line)
    }
    return found
  }

  async #restore(family: 4 | 6, script: string): Promise<void> {
    const { code, stderr } = await this.#tool(family, '-restore', ['-w', '--noflush'], script)
    if (code !== 0) throw new Error(`cannot load ${family === 4 ? 'iptables' : 'ip6tables'} rules: ${stderr.trim()}`)
  }

  #tool(family: 4 | 6, kind: '' | '-save' | '-restore', args: string[], input?: string): ReturnType<Kernel['tool']> {
    return this.#kernel.tool([`${family === 4 ? 'iptables' : 'ip6tables'}${kind}`, ...args], input)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

function script(lines: readonly ChainRule[], action: '-A' | '-D'): string {
  return tables.map((table) => {
    const own = lines.filter((line) => line.table === table)
    return own.length === 0 ? '' : `*${table}\n${own.map(({ chain, rule }) => `${action} ${chain} ${rule}`).join('\n')}\nCOMMIT\n`
  }).join('')
}
