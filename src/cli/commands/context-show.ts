import type { Command } from '../command.ts'

export const contextShowCommand: Command = {
  path: 'context show',
  usage: [''],
  summary: 'Print the name of the context in use',
  flags: [],
  args: { min: 0, max: 0 },
  async run(context) {
    context.stdout.write(`${context.currentContext().name}\n`)
  },
}
