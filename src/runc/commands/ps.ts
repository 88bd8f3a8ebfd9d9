import { linuxKernel } from '../../kernel/linux.ts'
import { GantryError } from '../../lib/errors.ts'
import { flag } from '../arguments.ts'
import type { Command } from '../command.ts'
import { pidsOf } from '../container-cgroup.ts'
import { load } from '../container-store.ts'
import { writeOut } from '../output.ts'

export const ps: Command = {
  flags: { format: { letter: 'f', value: true } },
  arguments: [1, Infinity],
  run: async ({ root, args }) => {
    const [id = '', ...options] = args.rest
    const format = flag(args, 'format') ?? 'table'
    if (format !== 'table' && format !== 'json') throw new GantryError('InvalidParameter', 'invalid format option')
    const pids = pidsOf(load(root, id).record)
    writeOut(1, format === 'json' ? `${JSON.stringify(pids)}\n` : await table(options.length === 0 ? ['-ef'] : options, pids))
    return 0
  },
}

/** The rows of the host's ps(1) that are about the container's processes, under its heading. */
async function table(options: string[], pids: readonly number[]): Promise<string> {
  const { code, stdout, stderr } = await linuxKernel.tool(['ps', ...options])
  if (code !== 0) throw new GantryError('System', `cannot list processes: ps: ${stderr.trim()}`)
  const [heading = '', ...rows] = stdout.split('\n')
  const column = heading.trim().split(/\s+/).indexOf('PID')
  if (column < 0) throw new GantryError('InvalidParameter', "couldn't find PID field in ps output")
  const wanted = new Set(pids.map(String))
  return [heading, ...rows.filter((row) => wanted.has(row.trim().split(/\s+/)[column] ?? ''))].map((row) => `${row}\n`).join('')
}
