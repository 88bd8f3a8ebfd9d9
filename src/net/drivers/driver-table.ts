import { GantryError } from '../../lib/errors.ts'
import type { NetworkDriver } from './contract.ts'

/** The drivers there are: the engine's own, and a plugin behind every other name. */
export class DriverTable {
  readonly #builtIn: Readonly<Record<string, NetworkDriver>>
  readonly #plugin: (name: string) => NetworkDriver
  readonly #plugins = new Map<string, NetworkDriver>()

  constructor(builtIn: Readonly<Record<string, NetworkDriver>>, plugin: (name: string) => NetworkDriver) {
    this.#builtIn = builtIn
    this.#plugin = plugin
  }

  of(name: string): NetworkDriver {
    if (Object.hasOwn(this.#builtIn, name)) return this.#builtIn[name] as NetworkDriver
    const known = this.#plugins.get(name) ?? this.#plugin(name)
    this.#plugins.set(name, known)
    return known
  }

  /** For a new network. @throws Forbidden; whether a plugin is there its `check` says */
  forNew(name: string): NetworkDriver {
    if (name === 'host' || name === 'null') throw new GantryError('Forbidden', `only one instance of "${name}" network is allowed`)
    return this.of(name)
  }

  close(): void {
    for (const driver of [...Object.values(this.#builtIn), ...this.#plugins.values()]) driver.close()
  }
}
