import { isIP } from 'node:net'
import { DockerfileError } from '../dockerfile/dockerfile-error.ts'

const protocols = new Set(['tcp', 'udp', 'sctp'])

/**
 * "80", "80/udp", "8000-8002/tcp": each port as the image's configuration has it. Of "[ADDRESS:]PORT:80", which a check warns of, it is the last part.
 * @throws DockerfileError
 */
export function exposedPorts(text: string, line: number): string[] {
  const [mapping = '', protocol = 'tcp'] = text.split('/')
  const [, published, container = ''] = /^(?:(.*):)?(.*)$/s.exec(mapping) ?? []
  if (container === '') throw new DockerfileError(published === undefined ? `invalid containerPort: ${text}` : `no port specified: ${mapping}<empty>`, line)
  const ports = portRange(container) ?? fail(`invalid containerPort: ${container}`, line)
  if (published !== undefined) checkPublished(published, ports, line)
  if (!protocols.has(protocol.toLowerCase())) throw new DockerfileError(`invalid proto: ${protocol}`, line)
  return Array.from({ length: ports.to - ports.from + 1 }, (_, index) => `${ports.from + index}/${protocol.toLowerCase()}`)
}

interface PortRange {
  from: number
  to: number
}

function portRange(text: string): PortRange | undefined {
  const [, first = '', last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  return first === '' || from > to || to > 65_535 ? undefined : { from, to }
}

function checkPublished(text: string, { from, to }: PortRange, line: number): void {
  const [, address = '', port = ''] = /^(?:(.*):)?(.*)$/s.exec(text) ?? []
  if (address !== '' && isIP(address.replace(/^\[(.*)\]$/, '$1')) === 0) throw new DockerfileError(`invalid IP address: ${address}`, line)
  if (port === '') return
  const range = portRange(port) ?? fail(`invalid hostPort: ${port}`, line)
  // One port may be published at one of many.
  if (range.to - range.from !== to - from && to !== from) throw new DockerfileError(`invalid ranges specified for container and host Ports: ${from}-${to} and ${port}`, line)
}

function fail(message: string, line: number): never {
  throw new DockerfileError(message, line)
}
