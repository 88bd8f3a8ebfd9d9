import type { PacketFilter } from '../packet-filter.ts'
import { PassingFilter } from '../passing-filter.ts'
import type { PortRule } from '../port-holder.ts'

/**
 * Changes of published ports that find the rules gone have them made again first. What `restore` loads holds the ports of all
 * endpoints that are attached by then, so that nothing is published twice.
 */
export class RestoringFilter extends PassingFilter {
  readonly #restore: () => Promise<unknown>

  constructor(filter: PacketFilter, restore: () => Promise<unknown>) {
    super(filter)
    this.#restore = restore
  }

  override async publish(rules: readonly PortRule[]): Promise<void> {
    try {
      await super.publish(rules)
    } catch {
      await this.#restore()
    }
  }

  override async withdraw(rules: readonly PortRule[]): Promise<void> {
    try {
      await super.withdraw(rules)
    } catch {
      await this.#restore()
      await super.withdraw(rules)
    }
  }
}
