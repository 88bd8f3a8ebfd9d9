import { constants } from 'node:os'
import { detectLayout } from '../../kernel/cgroup/layout.ts'
import { listProcesses } from '../../kernel/cgroup/processes.ts'
import { GantryError } from '../../lib/errors.ts'
import { isSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { load, statusOf } from '../container-store.ts'

export const kill: Command = {
  flags: { all: { letter: 'a' } },
  arguments: [1, 2],
  run: async ({ root, args }) => {
    const [id = '', name = 'SIGTERM'] = args.rest
    const { record } = load(root, id)
    const signal = signalNumber(name)
    if (isSet(args, 'all')) {
      for (const pid of listProcesses(detectLayout(), record.cgroup)) process.kill(pid, signal)
    } else {
      if (statusOf(record) === 'stopped') throw new GantryError('Conflict', 'container not running')
      process.kill(record.pid, signal)
    }
    return 0
  },
}

function signalNumber(name: string): number {
  const known = constants.signals as Record<string, number>
  const number = /^\d+$/.test(name) ? Number(name) : known[`SIG${name.toUpperCase().replace(/^SIG/, '')}`]
  if (number === undefined || number > 64) throw new GantryError('InvalidParameter', `unknown signal ${JSON.stringify(name)}`)
  return number
}
