import type { Command } from '../command.ts'

interface Value {
  file: string
  path: string
  value: string
  unified?: { file: string; value: string }
}

export const cgroupCommand: Command = {
  path: 'cgroup',
  usage: ['CONTAINER [FILE...]'],
  summary: "Show where a container's cgroup is, and every value in it",
  flags: [{ name: 'json', kind: 'boolean', help: 'Print JSON' }],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args: [container = '', ...files] }) {
    const path = `/gantry/v1/containers/${encodeURIComponent(container)}/cgroup`
    const { values } = await context.client.json<{ values: Value[] }>('GET', path, { unversioned: true })
    const chosen = values.filter(({ file, unified }) => files.length === 0 || files.includes(file) || (unified !== undefined && files.includes(unified.file)))
    context.stdout.write(flags.boolean('json') ? `${JSON.stringify(chosen)}\n` : textOf(chosen))
  },
}

/** A directory, and below it its files as `cat` shows them; on v1 with what v2 says in its place. */
function textOf(values: Value[]): string {
  const directories = Map.groupBy(values, ({ path, file }) => path.slice(0, -file.length - 1))
  return [...directories].map(([directory, inside]) => `${directory}\n${inside.map(lineOf).join('')}`).join('')
}

function lineOf({ file, value, unified }: Value): string {
  const twin = unified === undefined || (unified.file === file && unified.value === value) ? '' : `  (${unified.file}${unified.value === value ? '' : `: ${unified.value}`})`
  return value.includes('\n') ? `  ${file}:${twin}\n${value.split('\n').map((line) => `    ${line}\n`).join('')}` : `  ${file}: ${value}${twin}\n`
}
