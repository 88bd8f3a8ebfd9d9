import type { PacketFilter } from '../packet-filter.ts'

/** How often one looks, in ms. A look is two system calls while nobody changes anything. */
const pause = 1000

/**
 * Has the rules made again when somebody else has removed or changed them: `nft flush ruleset`, a firewall that starts anew.
 * `restore` is not called again before it has settled.
 */
export class FilterWatch {
  readonly #timer: NodeJS.Timeout
  #busy: Promise<void> | undefined

  constructor(options: { filter: PacketFilter; restore: () => Promise<unknown>; log: (line: string) => void }) {
    this.#timer = setInterval(() => {
      this.#busy ??= this.#look(options).catch((error: unknown) => {
        options.log(`cannot restore packet filter rules: ${error instanceof Error ? error.message : String(error)}`)
      }).finally(() => (this.#busy = undefined))
    }, pause).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#busy
  }

  async #look({ filter, restore, log }: { filter: PacketFilter; restore: () => Promise<unknown>; log: (line: string) => void }): Promise<void> {
    if (await filter.isWhole()) return
    await restore()
    log('packet filter rules were removed or changed by somebody else, and have been restored')
  }
}
