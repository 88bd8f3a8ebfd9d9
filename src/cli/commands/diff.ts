import type { Command } from '../command.ts'

const letters = ['C', 'A', 'D']

export const diffCommand: Command = {
  path: 'diff',
  usage: ['CONTAINER'],
  summary: "List files that changed on a container's filesystem",
  aliases: ['container diff', 'diff'],
  flags: [],
  args: { min: 1, max: 1 },
  async run(context, { args }) {
    const changes = await context.client.json<{ Path: string; Kind: number }[] | null>('GET', `/containers/${encodeURIComponent(args[0]!)}/changes`)
    context.stdout.write((changes ?? []).map((change) => `${letters[change.Kind] ?? '?'} ${change.Path}\n`).join(''))
  },
}
