import { flag, isSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { ids, load } from '../container-store.ts'
import { describe } from './state.ts'

export const list: Command = {
  flags: { format: { letter: 'f', value: true }, quiet: { letter: 'q' } },
  arguments: [0, 0],
  run: async ({ root, args }) => {
    const states = ids(root).map((id) => describe(load(root, id).record))
    process.stdout.write(isSet(args, 'quiet') ? states.map(({ id }) => `${String(id)}\n`).join('') : flag(args, 'format') === 'json' ? `${JSON.stringify(states)}\n` : table(states))
    return 0
  },
}

function table(states: readonly Record<string, unknown>[]): string {
  const columns = ['id', 'pid', 'status', 'bundle', 'created'] as const
  const rows = [columns.map((name) => name.toUpperCase()), ...states.map((state) => columns.map((name) => String(state[name])))]
  const widths = columns.map((_, column) => Math.max(11, ...rows.map((row) => row[column]!.length)) + 1)
  return rows.map((row) => `${row.map((text, column) => text.padEnd(widths[column]!)).join('').trimEnd()}\n`).join('')
}
