import type { FilterState, PacketFilter } from './packet-filter.ts'
import type { PortRule } from './port-holder.ts'

/** Passes everything on, for filters that do something about published ports besides. */
export class PassingFilter implements PacketFilter {
  readonly #filter: PacketFilter

  constructor(filter: PacketFilter) {
    this.#filter = filter
  }

  load(state: FilterState): Promise<string[]> {
    return this.#filter.load(state)
  }

  async publish(rules: readonly PortRule[]): Promise<void> {
    await this.#filter.publish(rules)
  }

  async withdraw(rules: readonly PortRule[]): Promise<void> {
    await this.#filter.withdraw(rules)
  }

  isWhole(): Promise<boolean> {
    return this.#filter.isWhole()
  }

  remove(): Promise<void> {
    return this.#filter.remove()
  }

  close(): void {
    this.#filter.close()
  }
}
