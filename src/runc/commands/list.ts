import { lstatSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import { flag, isSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { ids, load } from '../container-store.ts'
import { writeOut } from '../output.ts'
import { describe } from './state.ts'

export const list: Command = {
  flags: { format: { letter: 'f', value: true }, quiet: { letter: 'q' } },
  arguments: [0, 0],
  run: async ({ root, args }) => {
    const format = flag(args, 'format') ?? 'table'
    if (format !== 'table' && format !== 'json') throw new GantryError('InvalidParameter', 'invalid format option')
    const states = ids(root).toSorted().map((id) => {
      const container = load(root, id)
      return { ...describe(container), owner: ownerName(lstatSync(container.directory).uid) } as Record<string, unknown>
    })
    if (isSet(args, 'quiet')) writeOut(1, states.map(({ id }) => `${String(id)}\n`).join(''))
    else writeOut(1, format === 'json' ? `${states.length === 0 ? 'null' : JSON.stringify(states)}\n` : table(states))
    return 0
  },
}

function ownerName(uid: number): string {
  return uid === 0 ? 'root' : `#${uid}`
}

function table(states: readonly Record<string, unknown>[]): string {
  const columns = ['id', 'pid', 'status', 'bundle', 'created', 'owner'] as const
  const rows = [columns.map((name) => name.toUpperCase()), ...states.map((state) => columns.map((name) => String(state[name])))]
  const widths = columns.map((_, column) => Math.max(12, ...rows.map((row) => row[column]!.length + 1)))
  return rows.map((row) => `${row.map((text, column) => (column === columns.length - 1 ? text : text.padEnd(widths[column]!))).join('')}\n`).join('')
}
