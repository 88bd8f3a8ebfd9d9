import { signalNumbers } from '../../kernel/constants/signals.ts'
import { GantryError } from '../../lib/errors.ts'
import { isSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { pidsOf } from '../container-cgroup.ts'
import { load, loadSpec, statusOf } from '../container-store.ts'

export const kill: Command = {
  flags: { all: { letter: 'a' } },
  arguments: [1, 2],
  run: async ({ root, args }) => {
    const [id = '', name = 'SIGTERM'] = args.rest
    const container = load(root, id)
    const signal = signalNumber(name)
    const stopped = statusOf(container) === 'stopped'
    // Without a pid namespace of its own a container's other processes outlive the first one.
    const everyone = isSet(args, 'all') || (stopped && signal === signalNumbers.SIGKILL && !hasOwnPids(container.directory))
    if (stopped && !everyone) throw new GantryError('Conflict', 'container not running')
    const pids = everyone ? pidsOf(container.record) : [container.record.init_process_pid]
    for (const pid of pids) sendSignal(pid, signal, everyone)
    return 0
  },
}

function hasOwnPids(directory: string): boolean {
  return (loadSpec(directory).linux?.namespaces ?? []).some(({ type, path }) => type === 'pid' && !path)
}

function sendSignal(pid: number, signal: number, mayBeGone: boolean): void {
  try {
    process.kill(pid, signal)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause
    if (!mayBeGone) throw new GantryError('Conflict', 'container not running', { cause })
  }
}

/** Names with or without SIG, numbers, and real-time signals relative to their bounds (man 7 signal). */
function signalNumber(name: string): number {
  const upper = name.toUpperCase().replace(/^SIG/, '')
  const realTime = /^RTM(IN|AX)(?:([+-])(\d+))?$/.exec(upper)
  const known: Record<string, number | undefined> = signalNumbers
  let number = /^\d+$/.test(name) ? Number(name) : known[`SIG${upper}`]
  if (realTime !== null) number = (realTime[1] === 'IN' ? 34 : 64) + (realTime[2] === '-' ? -1 : 1) * Number(realTime[3] ?? 0)
  if (number === undefined || number > 64) throw new GantryError('InvalidParameter', `unknown signal ${JSON.stringify(name)}`)
  return number
}
