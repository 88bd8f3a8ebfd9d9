import { readFileSync } from 'node:fs'
import { GantryError } from '../lib/errors.ts'
import type { PortHolder, PortRule } from './port-holder.ts'
import { hostText, ruleText } from './port-holder.ts'
import type { PortRow } from './port-rows.ts'

/** A row with its port chosen: one rule for each host address. */
export interface OpenRow {
  key: string
  rules: PortRule[]
}

/** Chooses host ports and has them opened. Fixed, ranges and ephemeral; the same number on every address of a row. */
export class PortAllocator {
  readonly #holder: PortHolder
  readonly #ephemeral: { first: number; last: number }
  /** What endpoints hold: protocol and port to host addresses. */
  readonly #held = new Map<string, Set<string>>()
  #nextEphemeral: number

  constructor(holder: PortHolder) {
    this.#holder = holder
    this.#ephemeral = localPortRange()
    this.#nextEphemeral = this.#ephemeral.first
  }

  /**
   * All rows or none, in as few rounds with the holder as there are ports that others already have.
   * @throws System with Docker's text
   */
  async open(rows: readonly PortRow[], containerIp: string): Promise<OpenRow[]> {
    const choosers = rows.map((row) => ({ row, candidates: this.#candidates(row), port: 0 }))
    try {
      for (const chooser of choosers) this.#choose(chooser, containerIp)
      for (;;) {
        const rules = choosers.map((chooser) => rulesOf(chooser.row, chooser.port, containerIp))
        const failure = await this.#holder.open(rules.flat())
        if (failure === undefined) return choosers.map(({ row }, at) => ({ key: row.key, rules: rules[at] ?? [] }))
        const at = rules.findIndex((_, index) => rules.slice(0, index + 1).flat().length > failure.index)
        const chooser = choosers[at]
        const failed = rules.flat()[failure.index]
        if (chooser === undefined || failed === undefined) throw new Error('the port holder failed at no rule')
        if (failure.code !== 'EADDRINUSE' || isFixed(chooser.row)) {
          throw new GantryError('System', `failed to bind host port for ${ruleText(failed)}: ${failure.text}`)
        }
        this.#forget(rulesOf(chooser.row, chooser.port, containerIp))
        this.#choose(chooser, containerIp)
      }
    } catch (error) {
      this.#forget(choosers.flatMap(({ row, port }) => (port === 0 ? [] : rulesOf(row, port, containerIp))))
      throw error
    }
  }

  async close(rules: readonly PortRule[]): Promise<void> {
    this.#forget(rules)
    if (rules.length > 0) await this.#holder.close(rules)
  }

  /** Rules of endpoints that live on. */
  hold(rules: readonly PortRule[]): void {
    for (const rule of rules) {
      const slot = `${rule.protocol}/${rule.hostPort}`
      const addresses = this.#held.get(slot) ?? new Set()
      this.#held.set(slot, addresses.add(rule.hostIp))
    }
  }

  #choose(chooser: { row: PortRow; candidates: Iterator<number>; port: number }, containerIp: string): void {
    const { row } = chooser
    chooser.port = 0
    for (let next = chooser.candidates.next(); next.done !== true; next = chooser.candidates.next()) {
      const rules = rulesOf(row, next.value, containerIp)
      const conflict = rules.find((rule) => this.#conflicts(rule))
      if (conflict === undefined) {
        chooser.port = next.value
        this.hold(rules)
        return
      }
      if (isFixed(row)) throw new GantryError('System', `Bind for ${hostText(conflict)} failed: port is already allocated`)
    }
    throw new GantryError('System', 'all ports are allocated')
  }

  #conflicts(rule: PortRule): boolean {
    const addresses = this.#held.get(`${rule.protocol}/${rule.hostPort}`)
    if (addresses === undefined) return false
    const isV6 = rule.hostIp.includes(':')
    const wildcard = isV6 ? '::' : '0.0.0.0'
    if (rule.hostIp !== wildcard) return addresses.has(rule.hostIp) || addresses.has(wildcard)
    return [...addresses].some((address) => address.includes(':') === isV6)
  }

  #forget(rules: readonly PortRule[]): void {
    for (const rule of rules) {
      const slot = `${rule.protocol}/${rule.hostPort}`
      const addresses = this.#held.get(slot)
      addresses?.delete(rule.hostIp)
      if (addresses?.size === 0) this.#held.delete(slot)
    }
  }

  *#candidates({ candidates }: PortRow): Generator<number, void> {
    if (candidates !== undefined) {
      for (let port = candidates.first; port <= candidates.last; port++) yield port
      return
    }
    const { first, last } = this.#ephemeral
    for (let tries = first; tries <= last; tries++) {
      const port = this.#nextEphemeral
      this.#nextEphemeral = port === last ? first : port + 1
      yield port
    }
  }
}

/** As inspect shows them. */
export function boundPorts(rows: readonly OpenRow[]): Record<string, { HostIp: string; HostPort: string }[]> {
  const ports: Record<string, { HostIp: string; HostPort: string }[]> = {}
  for (const { key, rules } of rows) {
    (ports[key] ??= []).push(...rules.map((rule) => ({ HostIp: rule.hostIp, HostPort: String(rule.hostPort) })))
  }
  return ports
}

function isFixed({ candidates }: PortRow): boolean {
  return candidates !== undefined && candidates.first === candidates.last
}

function rulesOf(row: PortRow, hostPort: number, containerIp: string): PortRule[] {
  return row.hostIps.map((hostIp) => ({ protocol: row.protocol, hostIp, hostPort, containerIp, containerPort: row.containerPort }))
}

/** Docker takes ephemeral ports from the kernel's range. */
function localPortRange(): { first: number; last: number } {
  const [first, last] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number)
  return { first: first ?? 32_768, last: last ?? 60_999 }
}
