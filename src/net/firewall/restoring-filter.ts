import type { FilterState, PacketFilter } from '../packet-filter.ts'
import type { PortRule } from '../port-holder.ts'

/**
 * Changes of published ports that find the rules gone have them made again first. What `restore` loads holds the ports of all
 * endpoints that are attached by then, so that nothing is published twice.
 */
export class RestoringFilter implements PacketFilter {
  readonly #filter: PacketFilter
  readonly #restore: () => Promise<unknown>

  constructor(filter: PacketFilter, restore: () => Promise<unknown>) {
    this.#filter = filter
    this.#restore = restore
  }

  load(state: FilterState): Promise<string[]> {
    return this.#filter.load(state)
  }

  async publish(rules: readonly PortRule[]): Promise<void> {
    try {
      await this.#filter.publish(rules)
    } catch {
      await this.#restore()
    }
  }

  async withdraw(rules: readonly PortRule[]): Promise<void> {
    try {
      await this.#filter.withdraw(rules)
    } catch {
      await this.#restore()
      await this.#filter.withdraw(rules)
    }
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
