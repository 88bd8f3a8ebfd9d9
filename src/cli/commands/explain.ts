import type { Command } from '../command.ts'

export const explainCommand: Command = {
  path: 'explain',
  usage: ['CONTAINER'],
  summary: 'Print the system calls that make a container, one a line',
  flags: [],
  args: { min: 1, max: 1 },
  async run(context, { args }) {
    const path = `/gantry/v1/containers/${encodeURIComponent(args[0]!)}/explain`
    const { lines } = await context.client.json<{ lines: string[] }>('GET', path, { unversioned: true })
    context.stdout.write(lines.map((line) => `${line}\n`).join(''))
  },
}
