import { readFileSync } from 'node:fs'
import { GantryError } from '../lib/errors.ts'
import type { BoundPorts } from './contract.ts'
import { busyPort } from './listeners.ts'
import type { PortHolder, PortRule } from './port-holder.ts'
import { hostText, isHeld, portsText, ruleKey, ruleText, shareAddress } from './port-holder.ts'
import { firstTaken, rangeRules } from './port-ranges.ts'
import type { PortRow } from './port-rows.ts'

export interface OpenPorts {
  /** As inspect shows them. */
  ports: BoundPorts
  rules: PortRule[]
}

interface Chooser {
  row: PortRow
  candidates: Iterator<number>
  /** 0: not yet. */
  port: number
}

/** Chooses host ports and has them opened. Fixed, ranges and ephemeral; the same number on every address of a row. */
export class PortAllocator {
  readonly #holder: PortHolder
  readonly #ephemeral: { first: number; last: number }
  /** What endpoints hold: protocol and port to host addresses. */
  readonly #held = new Map<string, Set<string>>()
  /** Ranges that they hold. */
  #ranges: PortRule[] = []
  #nextEphemeral: number

  constructor(holder: PortHolder) {
    this.#holder = holder
    this.#ephemeral = localPortRange()
    this.#nextEphemeral = this.#ephemeral.first
  }

  /** All rows or none. @throws System with Docker's text */
  async open(rows: readonly PortRow[]): Promise<OpenPorts> {
    const ranges = rows.filter(({ count }) => count !== undefined).map((row) => ({ row, rules: rangeRules(row) }))
    const held = ranges.flatMap(({ rules }) => rules)
    this.reserve(held)
    try {
      const choosers = await this.#openSingles(rows.filter(({ count }) => count === undefined))
      const bound = [...ranges, ...choosers.map(({ row, port }) => ({ row, rules: rulesOf(row, port) }))]
      return { ports: boundPorts(bound), rules: bound.flatMap(({ rules }) => rules) }
    } catch (error) {
      this.#forget(held)
      throw error
    }
  }

  /** Ports that somebody else opens: no endpoint gets them meanwhile. All or none. @throws System with Docker's text */
  reserve(rules: readonly PortRule[]): void {
    const held: PortRule[] = []
    try {
      for (const rule of rules) {
        this.#checkRange(rule)
        this.hold([rule])
        held.push(rule)
      }
    } catch (error) {
      this.#forget(held)
      throw error
    }
  }

  async close(rules: readonly PortRule[]): Promise<void> {
    this.#forget(rules)
    const held = rules.filter(isHeld)
    if (held.length > 0) await this.#holder.close(held)
  }

  /** Rules of endpoints that live on. */
  hold(rules: readonly PortRule[]): void {
    for (const rule of rules) {
      // Ports that are routed are nobody's on the host.
      if (rule.routed === true) continue
      if (rule.count !== undefined) this.#ranges.push(rule)
      else this.#held.set(slotOf(rule), (this.#held.get(slotOf(rule)) ?? new Set()).add(rule.hostIp))
    }
  }

  /** In as few rounds with the holder as there are ports that others already have. */
  async #openSingles(rows: readonly PortRow[]): Promise<Chooser[]> {
    const choosers = rows.map((row): Chooser => ({ row, candidates: this.#candidates(row), port: 0 }))
    try {
      for (const chooser of choosers) this.#choose(chooser)
      for (;;) {
        const wanted = choosers.flatMap((chooser) => rulesOf(chooser.row, chooser.port).filter(isHeld).map((rule) => ({ chooser, rule })))
        const failure = await this.#holder.open(wanted.map(({ rule }) => rule))
        if (failure === undefined) return choosers
        const failed = wanted[failure.index]
        if (failed === undefined) throw new Error('the port holder failed at no rule')
        const { chooser, rule } = failed
        if (failure.code !== 'EADDRINUSE' || isFixed(chooser.row)) {
          throw new GantryError('System', `failed to bind host port for ${ruleText(rule)}: ${failure.text}`)
        }
        this.#forget(rulesOf(chooser.row, chooser.port))
        this.#choose(chooser)
      }
    } catch (error) {
      this.#forget(choosers.flatMap(({ row, port }) => (port === 0 ? [] : rulesOf(row, port))))
      throw error
    }
  }

  #choose(chooser: Chooser): void {
    const { row } = chooser
    chooser.port = 0
    for (let next = chooser.candidates.next(); next.done !== true; next = chooser.candidates.next()) {
      const rules = rulesOf(row, next.value)
      const conflict = rules.find((rule) => this.#conflict(rule) !== undefined)
      if (conflict === undefined) {
        chooser.port = next.value
        this.hold(rules)
        return
      }
      if (isFixed(row)) throw alreadyAllocated(conflict)
    }
    throw new GantryError('System', 'all ports are allocated')
  }

  #checkRange(rule: PortRule): void {
    const port = this.#conflict(rule)
    if (port !== undefined) throw alreadyAllocated({ ...rule, hostPort: port })
    if (rule.routed === true) return
    const busy = busyPort(rule)
    if (busy !== undefined) {
      throw new GantryError('System', `failed to bind host port for ${ruleText({ ...rule, hostPort: busy, containerPort: rule.containerPort + busy - rule.hostPort })}: address already in use`)
    }
  }

  /** The first port that another endpoint has. */
  #conflict(rule: PortRule): number | undefined {
    if (rule.routed === true) return undefined
    const ranged = firstTaken(rule, this.#ranges)
    if (ranged !== undefined || this.#held.size === 0) return ranged
    for (let port = rule.hostPort; port < rule.hostPort + (rule.count ?? 1); port++) {
      const addresses = this.#held.get(slotOf({ protocol: rule.protocol, hostPort: port }))
      if (addresses !== undefined && [...addresses].some((address) => shareAddress(address, rule.hostIp))) return port
    }
    return undefined
  }

  #forget(rules: readonly PortRule[]): void {
    for (const rule of rules) {
      if (rule.count !== undefined) {
        this.#ranges = this.#ranges.filter((one) => one.count !== rule.count || ruleKey(one) !== ruleKey(rule))
        continue
      }
      const addresses = this.#held.get(slotOf(rule))
      addresses?.delete(rule.hostIp)
      if (addresses?.size === 0) this.#held.delete(slotOf(rule))
    }
  }

  *#candidates({ candidates, places }: PortRow): Generator<number, void> {
    if (places.every(({ routed }) => routed)) {
      yield candidates?.first ?? 1
      return
    }
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

function boundPorts(rows: readonly { row: PortRow; rules: PortRule[] }[]): BoundPorts {
  const ports: BoundPorts = {}
  for (const { row, rules } of rows) {
    const translated = rules.filter(({ routed }) => routed !== true)
    ;(ports[row.key] ??= []).push(...translated.map(({ hostIp, hostPort, count }) => ({ HostIp: hostIp, HostPort: portsText(hostPort, count) })))
  }
  return ports
}

function alreadyAllocated(rule: PortRule): GantryError {
  return new GantryError('System', `Bind for ${hostText(rule)} failed: port is already allocated`)
}

function slotOf({ protocol, hostPort }: Pick<PortRule, 'protocol' | 'hostPort'>): string {
  return `${protocol}/${hostPort}`
}

function isFixed({ candidates }: PortRow): boolean {
  return candidates !== undefined && candidates.first === candidates.last
}

function rulesOf(row: PortRow, hostPort: number): PortRule[] {
  return row.places.map(({ hostIp, containerIp, routed }) =>
    ({ protocol: row.protocol, hostIp, hostPort, containerIp, containerPort: row.containerPort, ...(routed ? { routed } : {}) }))
}

/** Docker takes ephemeral ports from the kernel's range. */
function localPortRange(): { first: number; last: number } {
  const [first, last] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number)
  return { first: first ?? 32_768, last: last ?? 60_999 }
}
