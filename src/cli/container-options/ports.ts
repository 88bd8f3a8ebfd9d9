import { isIP } from 'node:net'
import type { FlagValues } from '../grammar/flag.ts'
import { parseCsv } from './csv.ts'
import { OptionError } from './option-error.ts'

export type PortBinding = { HostIp: string; HostPort: string }

/** --expose and the container side of --publish, as "80/tcp" keys. */
export function exposedPorts(flags: FlagValues): Record<string, object> {
  const ports: Record<string, object> = {}
  for (const key of Object.keys(portBindings(flags))) ports[key] = {}
  for (const word of flags.list('expose')) {
    const [range, proto = 'tcp'] = word.split('/')
    const [start, end] = exposeRange(range!, word)
    for (let port = start; port <= end; port++) ports[`${port}/${proto}`] = {}
  }
  return ports
}

/** --publish: [[ip:]hostPort[-end]:]containerPort[-end][/proto], or the key=value form. */
export function portBindings(flags: FlagValues): Record<string, PortBinding[]> {
  return bindingsOf(flags.list('publish'))
}

export function bindingsOf(words: readonly string[]): Record<string, PortBinding[]> {
  const bindings: Record<string, PortBinding[]> = {}
  for (const word of words) {
    for (const { key, binding } of published(word.includes('=') ? longForm(word) : word)) (bindings[key] ??= []).push(binding)
  }
  return bindings
}

function published(word: string): { key: string; binding: PortBinding }[] {
  const slash = word.lastIndexOf('/')
  const address = slash < 0 ? word : word.slice(0, slash)
  const proto = (slash < 0 ? 'tcp' : word.slice(slash + 1)).toLowerCase()
  const parts = address.split(':')
  const containerPart = parts.pop()!
  const hostPart = parts.pop() ?? ''
  const ip = parts.join(':').replace(/^\[(.*)\]$/, '$1')
  if (ip !== '' && isIP(ip) === 0) throw new OptionError(`invalid IP address: ${ip}`)
  if (containerPart === '') throw new OptionError(`no port specified: ${word}<empty>`)
  const container = range(containerPart, 'containerPort')
  const host = hostPart === '' ? undefined : range(hostPart, 'hostPort')
  if (!['tcp', 'udp', 'sctp'].includes(proto)) throw new OptionError(`invalid proto: ${proto}`)
  const count = container[1] - container[0]
  const isOneOfRange = host && count === 0 && host[1] > host[0]
  if (host && !isOneOfRange && host[1] - host[0] !== count) {
    throw new OptionError(`invalid ranges specified for container and host Ports: ${containerPart} and ${hostPart}`)
  }
  return Array.from({ length: count + 1 }, (_, index) => {
    const hostPort = !host ? '' : isOneOfRange ? `${host[0]}-${host[1]}` : String(host[0] + index)
    return { key: `${container[0] + index}/${proto}`, binding: { HostIp: ip, HostPort: hostPort } }
  })
}

function longForm(word: string): string {
  const fields = Object.fromEntries(parseCsv(word).map((field) => field.split('=', 2) as [string, string]))
  const target = fields['target'] ?? fields['dst'] ?? fields['container']
  if (!target) throw new OptionError(`missing target in publish option: ${word}`)
  const hostPort = fields['published'] ?? fields['host'] ?? ''
  return `${hostPort === '' ? '' : `${hostPort}:`}${target}/${fields['protocol'] ?? 'tcp'}`
}

function range(text: string, what: string): [number, number] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text)
  const start = Number(match?.[1])
  const end = Number(match?.[2] ?? match?.[1])
  if (!match || end > 65_535 || end < start) throw new OptionError(`invalid ${what}: ${text}`)
  return [start, end]
}

function exposeRange(text: string, word: string): [number, number] {
  const [start, end = start] = text.split('-')
  for (const bound of [start!, end!]) {
    if (/^\d+$/.test(bound) && Number(bound) <= 65_535) continue
    const reason = /^\d+$/.test(bound) ? 'value out of range' : 'invalid syntax'
    throw new OptionError(`invalid range format for --expose: ${word}, error: strconv.ParseUint: parsing ${JSON.stringify(bound)}: ${reason}`)
  }
  return [Number(start), Number(end)]
}
