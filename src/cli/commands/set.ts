import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { readBytes } from '../grammar/flag-value.ts'

export const setCommand: Command = {
  path: 'set',
  usage: ['CONTAINER [FILE=VALUE...]'],
  summary: "Set limits of a container's cgroup, now and at each of its starts",
  flags: [{ name: 'adopt', kind: 'boolean', help: 'Take the values that were written by hand into the record' }],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args: [container = '', ...words] }) {
    const Values = Object.fromEntries(words.map(readAssignment))
    const path = `/gantry/v1/containers/${encodeURIComponent(container)}/cgroup`
    const { record } = await context.client.json<{ record: Record<string, string> }>('POST', path, { unversioned: true, json: { Values, Adopt: flags.boolean('adopt') } })
    context.stdout.write(Object.entries(record).map(([file, value]) => `${file}=${value}\n`).join(''))
  },
}

/** "memory.high=200m" in bytes; an empty value is forgotten, so that the next start goes without. */
function readAssignment(word: string): [file: string, value: string] {
  const at = word.indexOf('=')
  if (at <= 0) throw new ExitError(`cannot read ${JSON.stringify(word)}: it must be FILE=VALUE, such as cpu.weight=50`)
  const [file, value] = [word.slice(0, at), word.slice(at + 1)]
  return [file, file.startsWith('memory.') && /^\d+(\.\d+)?[kmgt]i?b?$/i.test(value) ? String(readBytes(value)) : value]
}
