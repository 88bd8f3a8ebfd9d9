import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'

type Binding = { HostIp: string; HostPort: string }

export const portCommand: Command = {
  path: 'port',
  usage: ['CONTAINER [PRIVATE_PORT[/PROTO]]'],
  summary: "List a container's published ports, or where one of them is published",
  aliases: ['container port', 'port'],
  flags: [],
  args: { min: 1, max: 2 },
  async run(context, { args }) {
    const [container, wanted] = args
    const answer = await context.client.json<{ NetworkSettings: { Ports: Record<string, Binding[] | null> | null } }>(
      'GET',
      `/containers/${encodeURIComponent(container!)}/json`,
    )
    const ports = answer.NetworkSettings.Ports ?? {}
    const address = (binding: Binding) => `${binding.HostIp.includes(':') ? `[${binding.HostIp}]` : binding.HostIp}:${binding.HostPort}`
    if (wanted === undefined) {
      const lines = Object.entries(ports).flatMap(([port, bindings]) => (bindings ?? []).map((binding) => `${port} -> ${address(binding)}\n`))
      context.stdout.write(lines.toSorted(byPortNumber).join(''))
      return
    }
    const bindings = ports[wanted.includes('/') ? wanted : `${wanted}/tcp`]
    if (!bindings) throw new ExitError(`Error: No public port '${wanted}' published for ${container}`)
    context.stdout.write(bindings.map((binding) => `${address(binding)}\n`).join(''))
  },
}

function byPortNumber(left: string, right: string): number {
  return Number.parseInt(left, 10) - Number.parseInt(right, 10) || (left < right ? -1 : 1)
}
