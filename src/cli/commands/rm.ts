import type { Command } from '../command.ts'
import { eachObject } from '../client/each-object.ts'
import { isNotFound } from '../client/engine-error.ts'
import { ExitError } from '../exit-error.ts'

export const rmCommand: Command = {
  path: 'rm',
  usage: ['CONTAINER [CONTAINER...]'],
  summary: 'Remove one or more containers',
  aliases: ['container rm', 'container remove', 'rm'],
  flags: [
    { name: 'force', short: 'f', kind: 'boolean', help: 'Kill and remove a running container' },
    { name: 'link', short: 'l', kind: 'boolean', help: 'Remove the link of this name' },
    { name: 'volumes', short: 'v', kind: 'boolean', help: "Remove the container's anonymous volumes too" },
  ],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    const force = flags.boolean('force')
    const query = {
      force: force || undefined,
      link: flags.boolean('link') || undefined,
      v: flags.boolean('volumes') || undefined,
    }
    await eachObject(context, args, async (name) => {
      const container = name.replace(/^\/+/, '')
      if (container === '') throw new ExitError('container name cannot be empty')
      try {
        await context.client.text('DELETE', `/containers/${encodeURIComponent(container)}`, { query })
      } catch (error) {
        if (!force || !isNotFound(error)) throw error
        context.stderr.write(`${(error as Error).message}\n`)
        return ''
      }
      return container
    })
  },
}
