import { DockerfileError } from '../dockerfile/dockerfile-error.ts'

const protocols = new Set(['tcp', 'udp', 'sctp'])

/** "80", "80/udp", "8000-8002/tcp": each port as the image's configuration has it. @throws DockerfileError */
export function exposedPorts(text: string, line: number): string[] {
  const [range = '', protocol = 'tcp'] = text.split('/')
  const [, first = '', last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (first === '' || from > to || to > 65_535 || from < 0) throw new DockerfileError(`invalid containerPort: ${range === '' ? text : range}`, line)
  if (!protocols.has(protocol.toLowerCase())) throw new DockerfileError(`invalid proto: ${protocol}`, line)
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`)
}
