import { eachObject } from '../client/each-object.ts'
import type { Command } from '../command.ts'
import { ContextStore } from '../contexts/context-store.ts'
import { ExitError } from '../exit-error.ts'
import { useContext } from './context-use.ts'

export const contextRmCommand: Command = {
  path: 'context rm',
  usage: ['CONTEXT [CONTEXT...]'],
  summary: 'Remove one or more contexts',
  aliases: ['context rm', 'context remove'],
  flags: [{ name: 'force', short: 'f', kind: 'boolean', help: 'Remove the context in use too, and mind none that is missing' }],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    const force = flags.boolean('force')
    const store = new ContextStore(context.configDirectory)
    await eachObject(context, args, async (name) => {
      if (name === 'default') throw new ExitError('context "default" cannot be removed')
      if (store.find(name) === undefined) {
        if (force) return
        throw new ExitError(`context ${JSON.stringify(name)} does not exist`)
      }
      if (context.currentContext().name === name) {
        if (!force) throw new ExitError(`context ${JSON.stringify(name)} is in use, set -f flag to force remove`)
        useContext(context.configDirectory, 'default')
      }
      store.remove(name)
    })
  },
}
