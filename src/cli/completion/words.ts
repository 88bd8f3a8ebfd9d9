import { commands, groups } from '../catalogue.ts'
import type { Command } from '../command.ts'
import type { Flag } from '../grammar/flag.ts'
import { rootFlags } from '../root-flags.ts'

/** What may follow a command path; "" is the root. */
export interface Place {
  /** Commands below it. */
  commands: string[]
  flags: readonly Flag[]
}

/** Every command with its flags, by path. Loads all of them. */
export async function places(): Promise<Map<string, Place>> {
  const found = new Map<string, Place>([['', { commands: [...Object.keys(commands), ...Object.keys(groups), 'help'], flags: rootFlags }]])
  const add = async (path: string, load: () => Promise<Command>): Promise<void> => {
    const { flags } = await load()
    found.set(path, { commands: [], flags: flags.filter(({ hidden }) => hidden !== true) })
  }
  for (const [name, { load }] of Object.entries(commands)) await add(name, load)
  for (const [name, group] of Object.entries(groups)) {
    found.set(name, { commands: Object.keys(group.commands), flags: [] })
    for (const [sub, { load }] of Object.entries(group.commands)) await add(`${name} ${sub}`, load)
  }
  return found
}

/** "--name", and "-n" where there is one, of flags that take the next word. */
export function takingValues(flags: readonly Flag[]): string[] {
  return flags.filter(({ kind }) => kind !== 'boolean').flatMap(({ name, short }) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])])
}
