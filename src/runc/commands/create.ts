import { writeFileSync } from 'node:fs'
import { flag, type FlagTable } from '../arguments.ts'
import type { Command } from '../command.ts'
import { createContainer } from '../lifecycle.ts'

export const createFlags: FlagTable = {
  bundle: { letter: 'b', value: true },
  'pid-file': { value: true },
  'console-socket': { value: true, missing: true },
  'pidfd-socket': { value: true, missing: true },
  'no-pivot': { missing: true },
  'no-new-keyring': { missing: true },
  'preserve-fds': { value: true, missing: true },
}

export const create: Command = {
  flags: createFlags,
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const { monitor } = await createContainer(root, args.rest[0]!, flag(args, 'bundle') ?? '.', false)
    writePidFile(flag(args, 'pid-file'), monitor.pid)
    monitor.close()
    return 0
  },
}

export function writePidFile(path: string | undefined, pid: number): void {
  if (path !== undefined) writeFileSync(path, String(pid))
}
