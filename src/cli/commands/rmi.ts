import type { Command } from '../command.ts'
import { isNotFound } from '../client/engine-error.ts'
import { platformQuery } from '../client/platform-query.ts'
import { errorText, ExitError } from '../exit-error.ts'

export const rmiCommand: Command = {
  path: 'rmi',
  usage: ['IMAGE [IMAGE...]'],
  summary: 'Remove one or more images',
  aliases: ['image rm', 'image remove', 'rmi'],
  flags: [
    { name: 'force', short: 'f', kind: 'boolean', help: 'Remove the image even if it is in use' },
    { name: 'no-prune', kind: 'boolean', help: 'Keep untagged parents' },
    { name: 'platform', kind: 'list', placeholder: 'strings', help: 'Remove this platform only, as "os[/arch[/variant]]"' },
  ],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    const force = flags.boolean('force')
    const platforms = flags.list('platform').map((text) => platformQuery(text)!)
    const query = { force: force || undefined, noprune: flags.boolean('no-prune') || undefined, ...(platforms.length > 0 && { platforms }) }
    const errors: string[] = []
    let fatal = false
    for (const name of args) {
      try {
        const removed = await context.client.json<{ Untagged?: string; Deleted?: string }[]>('DELETE', `/images/${name}`, { query })
        context.stdout.write(removed.map((entry) => (entry.Deleted ? `Deleted: ${entry.Deleted}\n` : `Untagged: ${entry.Untagged}\n`)).join(''))
      } catch (error) {
        fatal ||= !isNotFound(error) || !force
        errors.push(errorText(error))
      }
    }
    if (errors.length === 0) return
    if (fatal) throw new ExitError(errors.join('\n'))
    context.stderr.write(`${errors.join('\n')}\n`)
  },
}
