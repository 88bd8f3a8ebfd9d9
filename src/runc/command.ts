import type { Arguments, FlagTable } from './arguments.ts'

export interface CommandContext {
  /** Directory of all containers (--root). */
  root: string
  /** systemd makes cgroups (--systemd-cgroup). */
  systemd: boolean
  args: Arguments
}

/** A command of gantry-runc. @returns its exit code */
export interface Command {
  flags: FlagTable
  /** How many arguments it takes at least, and at most. */
  arguments: [least: number, most: number]
  /** What an error of its own starts with, and exits with unless with 1. */
  failure?: { prefix: string; code?: number }
  run(context: CommandContext): Promise<number>
}

/** Loaded when called: a start pays for one command only. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  checkpoint: async () => (await import('./commands/checkpoint.ts')).checkpoint,
  create: async () => (await import('./commands/create.ts')).create,
  delete: async () => (await import('./commands/delete.ts')).remove,
  events: async () => (await import('./commands/events.ts')).events,
  exec: async () => (await import('./commands/exec.ts')).exec,
  features: async () => (await import('./commands/features.ts')).features,
  kill: async () => (await import('./commands/kill.ts')).kill,
  list: async () => (await import('./commands/list.ts')).list,
  pause: async () => (await import('./commands/pause.ts')).pause,
  ps: async () => (await import('./commands/ps.ts')).ps,
  restore: async () => (await import('./commands/restore.ts')).restore,
  resume: async () => (await import('./commands/pause.ts')).resume,
  run: async () => (await import('./commands/run.ts')).run,
  spec: async () => (await import('./commands/spec.ts')).spec,
  start: async () => (await import('./commands/start.ts')).start,
  state: async () => (await import('./commands/state.ts')).state,
  update: async () => (await import('./commands/update.ts')).update,
}
