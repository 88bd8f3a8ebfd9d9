import type { RuntimeChoice } from '../../containerd/tasks/contract.ts'
import { GantryError } from '../../lib/errors.ts'

/** What can be named by HostConfig.Runtime. */
export interface Runtimes {
  /** Of containers that name none. */
  readonly default: string
  /** As `docker info` shows them. */
  list(): Record<string, { path: string; runtimeArgs?: readonly string[] }>
  /**
   * undefined: the built-in one.
   * @throws InvalidParameter with Docker's text
   */
  choose(name: string): RuntimeChoice | undefined
}

/** The built-in runtime, and its names: "io.containerd.runc.v2" is how containerd calls the usual one. */
export const builtInRuntimeName = 'gantry'
const builtInNames = new Set([builtInRuntimeName, 'gantry-runc', 'io.containerd.runc.v2'])

export interface RuntimeTable {
  default?: string
  /** What the administrator registered, by name. */
  registered?: ReadonlyMap<string, { path: string; args: readonly string[] }>
  /** Where a well-known runtime is installed, asked each time. */
  installed?: (name: string) => string | undefined
}

const wellKnown = ['runc', 'crun', 'runsc']

/** Registered runtimes come first, then what is installed. "runc" without a runc is the built-in one, which can stand in for it. */
export function runtimeTable({ default: usual = builtInRuntimeName, registered = new Map(), installed = () => undefined }: RuntimeTable = {}): Runtimes {
  const find = (name: string): { path: string; args: readonly string[] } | undefined => {
    const path = wellKnown.includes(name) ? installed(name) : undefined
    return registered.get(name) ?? (path === undefined ? undefined : { path, args: [] })
  }
  return {
    default: usual,
    list: () => {
      const found = [...registered.keys(), ...wellKnown].flatMap((name) => {
        const runtime = find(name)
        return runtime === undefined ? [] : [[name, { path: runtime.path, ...(runtime.args.length > 0 && { runtimeArgs: runtime.args }) }] as const]
      })
      return { [builtInRuntimeName]: { path: 'gantry-runc' }, ...Object.fromEntries(found) }
    },
    choose: (name) => {
      if (builtInNames.has(name)) return undefined
      const runtime = find(name)
      if (runtime !== undefined) return { name, ...runtime }
      if (name === 'runc') return undefined
      throw new GantryError('InvalidParameter', `unknown or invalid runtime name: ${name}`)
    },
  }
}
