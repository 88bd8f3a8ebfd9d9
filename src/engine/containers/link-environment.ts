import { unpackPorts } from '../../lib/port-table.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { linkedContainers } from './linked-hosts.ts'

/** Docker itself sets these in every container. */
const ownVariables = new Set(['HOME', 'PATH'])

interface Port {
  number: number
  protocol: string
}

/**
 * What --link on the default bridge tells a container of the other one (docs.docker.com/engine/network/links): for "db" that exposes
 * 5432 DB_NAME, DB_PORT, DB_PORT_5432_TCP and its parts, for ports in a row also …_START and …_END; the other's own variables as DB_ENV_….
 */
export function linkEnvironment(ctx: ContainersContext, container: Container): string[] {
  return linkedContainers(ctx, container.hostConfig).flatMap(({ other, alias }) => {
    const address = other.networks['bridge']?.IPAddress ?? ''
    const prefix = alias.toUpperCase().replaceAll('-', '_')
    const ports = portsOf(other)
    const [first] = ports
    return [
      `${prefix}_NAME=/${container.name}/${alias}`,
      ...(first === undefined ? [] : [`${prefix}_PORT=${urlOf(address, first)}`]),
      ...ports.flatMap((port) => portVariables(nameOf(prefix, port), address, port)),
      ...rangesOf(ports).flatMap(([begin, end]) => rangeVariables(nameOf(prefix, begin), address, begin, end)),
      ...(other.config.Env ?? []).flatMap((entry) => {
        const at = entry.indexOf('=')
        return at < 1 || ownVariables.has(entry.slice(0, at)) ? [] : [`${prefix}_ENV_${entry}`]
      }),
    ]
  })
}

function portVariables(name: string, address: string, port: Port): string[] {
  return [`${name}=${urlOf(address, port)}`, `${name}_ADDR=${address}`, `${name}_PORT=${port.number}`, `${name}_PROTO=${port.protocol}`]
}

function rangeVariables(name: string, address: string, begin: Port, end: Port): string[] {
  return [`${name}_START=${urlOf(address, begin)}`, `${name}_PORT_START=${begin.number}`, `${name}_END=${urlOf(address, end)}`, `${name}_PORT_END=${end.number}`]
}

function urlOf(address: string, { protocol, number }: Port): string {
  return `${protocol}://${address}:${number}`
}

function nameOf(prefix: string, { protocol, number }: Port): string {
  return `${prefix}_PORT_${number}_${protocol.toUpperCase()}`
}

/** By number, of one number TCP first. */
function portsOf({ config }: Pick<Container, 'config'>): Port[] {
  const ports = Object.keys(unpackPorts(config.ExposedPorts ?? {})).map((key) => {
    const [number, protocol = 'tcp'] = key.split('/')
    return { number: Number(number), protocol }
  })
  return ports.toSorted((one, other) => one.number - other.number || Number(other.protocol === 'tcp') - Number(one.protocol === 'tcp'))
}

/** Two or more ports in a row, each with the protocol of the first. */
function rangesOf(ports: readonly Port[]): [Port, Port][] {
  const ranges: [Port, Port][] = []
  for (const port of ports) {
    const last = ranges.at(-1)
    if (last !== undefined && port.number === last[1].number + 1 && port.protocol === last[0].protocol) last[1] = port
    else ranges.push([port, port])
  }
  return ranges.filter(([begin, end]) => begin !== end)
}
