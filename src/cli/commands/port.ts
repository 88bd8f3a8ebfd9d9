import type { CliContext, Command } from '../command.ts'
import { bindingsOf } from '../container-options/ports.ts'
import { ExitError } from '../exit-error.ts'
import { countError } from '../grammar-messages.ts'

type Binding = { HostIp: string; HostPort: string }

export const portCommand: Command = {
  path: 'port',
  usage: ['CONTAINER [PRIVATE_PORT[/PROTO]]', 'add CONTAINER [[IP:]HOST_PORT:]PRIVATE_PORT[/PROTO]...', 'rm CONTAINER [[IP:]HOST_PORT:]PRIVATE_PORT[/PROTO]...'],
  summary: "List a container's published ports, or where one of them is published",
  aliases: ['container port', 'port'],
  flags: [],
  args: { min: 1, max: Infinity },
  async run(context, { args }) {
    // With two words "add" is a container, as in Docker's grammar.
    if (args.length > 2) {
      await change(context, args)
      return
    }
    const [container, wanted] = args
    const answer = await context.client.json<{ NetworkSettings: { Ports: Record<string, Binding[] | null> | null } }>(
      'GET',
      `/containers/${encodeURIComponent(container!)}/json`,
    )
    const ports = answer.NetworkSettings.Ports ?? {}
    if (wanted === undefined) {
      const lines = Object.entries(ports).flatMap(([port, bindings]) => (bindings ?? []).map((binding) => `${port} -> ${addressOf(binding)}\n`))
      context.stdout.write(lines.toSorted(byPortNumber).join(''))
      return
    }
    const bindings = ports[wanted.includes('/') ? wanted : `${wanted}/tcp`]
    if (!bindings) throw new ExitError(`Error: No public port '${wanted}' published for ${container}`)
    context.stdout.write(bindings.map((binding) => `${addressOf(binding)}\n`).join(''))
  },
}

/** `port add` and `port rm`: prints what is published then, of the ports that were named. */
async function change(context: CliContext, [action, container = '', ...words]: string[]): Promise<void> {
  if (action !== 'add' && action !== 'rm') throw countError({ ...portCommand, args: { min: 1, max: 2 } })
  const bindings = bindingsOf(words)
  const named = action === 'add' ? { Add: bindings } : { Remove: Object.fromEntries(Object.entries(bindings).map(([key, list]) => [key, list.filter(({ HostPort }) => HostPort !== '')])) }
  const { Ports } = await context.client.json<{ Ports: Record<string, Binding[]> }>('POST', `/gantry/v1/containers/${encodeURIComponent(container)}/ports`, { json: named, unversioned: true })
  if (action === 'rm') return
  const lines = Object.keys(bindings).flatMap((key) => (Ports[key] ?? []).map((binding) => `${key} -> ${addressOf(binding)}\n`))
  context.stdout.write(lines.join(''))
}

function addressOf(binding: Binding): string {
  return `${binding.HostIp.includes(':') ? `[${binding.HostIp}]` : binding.HostIp}:${binding.HostPort}`
}

function byPortNumber(left: string, right: string): number {
  return Number.parseInt(left, 10) - Number.parseInt(right, 10) || (left < right ? -1 : 1)
}
