import type { Command } from '../command.ts'
import { keyValues } from '../container-options/environment.ts'
import type { FlagValues } from '../grammar/flag.ts'
import { ipamConfig } from '../network-options/ipam.ts'

export const networkCreateCommand: Command = {
  path: 'network create',
  usage: ['NETWORK'],
  summary: 'Create a network',
  flags: [
    { name: 'attachable', kind: 'boolean', help: 'Let containers be attached by hand' },
    { name: 'aux-address', kind: 'list', placeholder: 'map', help: 'Address that no container gets, as NAME=ADDRESS', shownDefault: 'map[]' },
    { name: 'config-from', kind: 'string', help: 'Network whose configuration to copy' },
    { name: 'config-only', kind: 'boolean', help: 'Only keep the configuration' },
    { name: 'driver', short: 'd', kind: 'string', help: 'Driver of the network', shownDefault: '"bridge"' },
    { name: 'gateway', kind: 'list', placeholder: 'strings', help: 'Gateway of the subnet' },
    { name: 'ingress', kind: 'boolean', help: 'Make the routing mesh of a swarm' },
    { name: 'internal', kind: 'boolean', help: 'No way out' },
    { name: 'ip-range', kind: 'list', placeholder: 'strings', help: 'Part of the subnet from which containers get addresses' },
    { name: 'ipam-driver', kind: 'string', help: 'Driver that gives addresses', shownDefault: '"default"' },
    { name: 'ipam-opt', kind: 'list', placeholder: 'map', help: 'Set an option of that driver', shownDefault: 'map[]' },
    { name: 'ipv4', kind: 'boolean', help: 'Give IPv4 addresses', shownDefault: 'true' },
    { name: 'ipv6', kind: 'boolean', help: 'Give IPv6 addresses' },
    { name: 'label', kind: 'list', help: 'Set a label' },
    { name: 'opt', short: 'o', kind: 'list', placeholder: 'map', help: 'Set an option of the driver', shownDefault: 'map[]' },
    { name: 'scope', kind: 'string', help: 'Scope of the network' },
    { name: 'subnet', kind: 'list', placeholder: 'strings', help: 'Subnet in CIDR notation' },
  ],
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const { Id } = await context.client.json<{ Id: string }>('POST', '/networks/create', { json: createRequest(flags, args[0] ?? '') })
    context.stdout.write(`${Id}\n`)
  },
}

function createRequest(flags: FlagValues, name: string): Record<string, unknown> {
  const ipamOptions = keyValues(flags.list('ipam-opt'))
  return {
    Name: name,
    Driver: flags.string('driver') || 'bridge',
    Scope: flags.string('scope'),
    EnableIPv4: flags.has('ipv4') ? flags.boolean('ipv4') : undefined,
    EnableIPv6: flags.has('ipv6') ? flags.boolean('ipv6') : undefined,
    Internal: flags.boolean('internal'),
    Attachable: flags.boolean('attachable'),
    Ingress: flags.boolean('ingress'),
    ConfigOnly: flags.boolean('config-only'),
    ConfigFrom: flags.string('config-from') === '' ? undefined : { Network: flags.string('config-from') },
    IPAM: { Driver: flags.string('ipam-driver') || 'default', Options: ipamOptions, Config: ipamConfig(flags) },
    Options: keyValues(flags.list('opt')),
    Labels: keyValues(flags.list('label')),
  }
}
