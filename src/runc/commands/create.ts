import { renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { flag, type FlagTable } from '../arguments.ts'
import { callerFlags, planOf } from '../caller.ts'
import type { Command } from '../command.ts'
import { createContainer } from '../lifecycle.ts'

export const createFlags: FlagTable = {
  ...callerFlags,
  bundle: { letter: 'b', value: true },
  'no-pivot': {},
  'no-new-keyring': {},
}

export const create: Command = {
  flags: createFlags,
  arguments: [1, 1],
  failure: { prefix: 'gantry-runc create failed: ' },
  run: async ({ root, systemd, args }) => {
    const { run } = await createContainer({
      root,
      systemd,
      id: args.rest[0]!,
      bundle: flag(args, 'bundle') || '.',
      plan: (spec) => planOf(args, { terminal: spec.process?.terminal === true, detach: true, waits: true }),
    })
    writePidFile(flag(args, 'pid-file'), run.pid)
    return 0
  },
}

/** Whole or not at all: callers wait for the file and read it at once. */
export function writePidFile(path: string | undefined, pid: number): void {
  if (!path) return
  const unfinished = join(dirname(path), `.${basename(path)}`)
  writeFileSync(unfinished, String(pid))
  renameSync(unfinished, path)
}
