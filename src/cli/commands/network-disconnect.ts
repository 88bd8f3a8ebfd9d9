import type { Command } from '../command.ts'

export const networkDisconnectCommand: Command = {
  path: 'network disconnect',
  usage: ['NETWORK CONTAINER'],
  summary: 'Disconnect a container from a network',
  flags: [{ name: 'force', short: 'f', kind: 'boolean', help: 'Also a container that is gone' }],
  args: { min: 2, max: 2 },
  async run(context, { flags, args }) {
    const [network = '', container = ''] = args
    await context.client.text('POST', `/networks/${encodeURIComponent(network)}/disconnect`, { json: { Container: container, Force: flags.boolean('force') } })
  },
}
