import type { Command } from '../command.ts'
import { eachObject } from '../client/each-object.ts'
import { beginWait } from '../terminal/wait-exit.ts'

export const waitCommand: Command = {
  path: 'wait',
  usage: ['CONTAINER [CONTAINER...]'],
  summary: 'Wait until one or more containers stop, then print their exit codes',
  aliases: ['container wait', 'wait'],
  flags: [],
  args: { min: 1, max: Infinity },
  async run(context, { args }) {
    await eachObject(context, args, async (name) => {
      const { exitCode } = await beginWait(context.client, encodeURIComponent(name), 'not-running')
      return String(await exitCode)
    })
  },
}
