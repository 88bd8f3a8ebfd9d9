import type { Command } from '../command.ts'
import { CredentialStore } from '../credentials/credential-store.ts'
import { addressOfServer, dockerRegistry } from '../credentials/registry-address.ts'

export const logoutCommand: Command = {
  path: 'logout',
  usage: ['[SERVER]'],
  summary: 'Log out from a registry',
  flags: [],
  args: { min: 0, max: 1 },
  async run(context, { args }) {
    const address = addressOfServer(args[0] ?? '')
    context.stdout.write(`Removing login credentials for ${address}\n`)
    const spellings = address === dockerRegistry ? [address] : [address, `http://${address}`, `https://${address}`]
    await new CredentialStore(context.configDirectory).erase(spellings)
  },
}
