import type { Arguments, FlagTable } from './arguments.ts'

export interface CommandContext {
  /** Directory of all containers (--root). */
  root: string
  args: Arguments
}

/** A command of gantry-runc. @returns its exit code */
export interface Command {
  flags: FlagTable
  /** How many arguments it takes at least, and at most. */
  arguments: [least: number, most: number]
  run(context: CommandContext): Promise<number>
}

/** Loaded when called: a start pays for one command only. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  create: async () => (await import('./commands/create.ts')).create,
  delete: async () => (await import('./commands/delete.ts')).remove,
  exec: async () => (await import('./commands/exec.ts')).exec,
  kill: async () => (await import('./commands/kill.ts')).kill,
  list: async () => (await import('./commands/list.ts')).list,
  run: async () => (await import('./commands/run.ts')).run,
  spec: async () => (await import('./commands/spec.ts')).spec,
  start: async () => (await import('./commands/start.ts')).start,
  state: async () => (await import('./commands/state.ts')).state,
}
