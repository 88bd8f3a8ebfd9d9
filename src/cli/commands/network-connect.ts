import type { Command } from '../command.ts'
import { connectSettings } from '../container-options/networks.ts'

export const networkConnectCommand: Command = {
  path: 'network connect',
  usage: ['NETWORK CONTAINER'],
  summary: 'Connect a container to a network',
  flags: [
    { name: 'alias', kind: 'list', placeholder: 'strings', help: 'Another name on the network' },
    { name: 'driver-opt', kind: 'list', placeholder: 'strings', help: 'Option of the driver for this place' },
    { name: 'gw-priority', kind: 'int', help: 'The network with the highest is the way out' },
    { name: 'ip', kind: 'string', help: 'IPv4 address (172.30.100.104)' },
    { name: 'ip6', kind: 'string', help: 'IPv6 address (2001:db8::33)' },
    { name: 'link', kind: 'list', help: 'Link to another container' },
    { name: 'link-local-ip', kind: 'list', placeholder: 'strings', help: 'Link-local address' },
    { name: 'mac-address', kind: 'string', help: 'MAC address (92:d0:c6:0a:29:33)', hidden: true },
  ],
  args: { min: 2, max: 2 },
  async run(context, { flags, args }) {
    const [network = '', container = ''] = args
    await context.client.text('POST', `/networks/${encodeURIComponent(network)}/connect`, { json: { Container: container, EndpointConfig: connectSettings(flags) } })
  },
}
