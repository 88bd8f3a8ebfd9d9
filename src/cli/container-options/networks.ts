import type { FlagValues } from '../grammar/flag.ts'
import { parseCsv } from './csv.ts'
import { OptionError } from './option-error.ts'

type Endpoint = Record<string, unknown>
type Attachment = { target: string; aliases: string[]; links: string[]; linkLocal: string[]; ip: string; ip6: string; mac: string; driver: Record<string, string>; priority: number }

/** HostConfig.NetworkMode: the first --network. */
export function networkMode(flags: FlagValues): string {
  const [first] = attachments(flags)
  return first?.target ?? 'default'
}

/** NetworkingConfig.EndpointsConfig. One plain network needs none; the engine makes it. */
export function endpoints(flags: FlagValues): Record<string, Endpoint> {
  const all = attachments(flags)
  if (all.length > 1 && all.some((one) => !isUserDefined(one.target))) {
    throw new OptionError('conflicting options: cannot attach both user-defined and non-user-defined network-modes')
  }
  const first = all[0] ?? attachment('default')
  applyFlags(flags, first)
  const result: Record<string, Endpoint> = {}
  for (const one of all.length === 0 ? [first] : all) {
    if (Object.hasOwn(result, one.target)) throw new OptionError(`network ${JSON.stringify(one.target)} is specified multiple times`)
    if (all.length === 1 && isPlain(one)) continue
    result[one.target] = endpoint(one)
  }
  return result
}

/** EndpointConfig of `network connect`. */
export function connectSettings(flags: FlagValues): Endpoint {
  const split = (name: string): string[] => flags.list(name).flatMap((word) => parseCsv(word))
  return endpoint({
    ...attachment(''), aliases: split('alias'), links: flags.list('link'), linkLocal: split('link-local-ip'), ip: flags.string('ip'), ip6: flags.string('ip6'),
    mac: flags.string('mac-address'), driver: Object.fromEntries(split('driver-opt').map(driverOption)), priority: flags.number('gw-priority'),
  })
}

function driverOption(word: string): [string, string] {
  const [name = '', option] = word.split(/=(.*)/s, 2)
  if (!option) throw new OptionError('invalid key value pair format in driver options')
  return [name.toLowerCase(), option.toLowerCase()]
}

function attachments(flags: FlagValues): Attachment[] {
  return flags.list('network').map((word) => (word.includes('=') ? readAttachment(word) : attachment(word)))
}

function attachment(target: string): Attachment {
  return { target, aliases: [], links: [], linkLocal: [], ip: '', ip6: '', mac: '', driver: {}, priority: 0 }
}

function readAttachment(word: string): Attachment {
  const one = attachment('')
  for (const field of parseCsv(word)) {
    const equals = field.indexOf('=')
    const key = field.slice(0, equals < 0 ? undefined : equals).trim().toLowerCase()
    const value = field.slice(equals + 1).trim()
    if (equals < 0 || value === '') throw new OptionError(`invalid key/value pair format in network options`)
    if (key === 'name') one.target = value
    else if (key === 'alias') one.aliases.push(value)
    else if (key === 'ip') one.ip = value
    else if (key === 'ip6') one.ip6 = value
    else if (key === 'mac-address') one.mac = value
    else if (key === 'link-local-ip') one.linkLocal.push(value)
    else if (key === 'gw-priority') one.priority = priority(value)
    else if (key === 'driver-opt') {
      const [name, option] = driverOption(value)
      one.driver[name] = option
    } else throw new OptionError(`invalid field key ${key}`)
  }
  if (one.target === '') throw new OptionError('network name/id is not specified')
  return one
}

function priority(value: string): number {
  if (!/^[+-]?\d{1,15}$/.test(value)) throw new OptionError(`invalid gw-priority (${value}): strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`)
  return Number(value)
}

function applyFlags(flags: FlagValues, first: Attachment): void {
  const given = { aliases: flags.list('network-alias'), links: flags.list('link'), linkLocal: flags.list('link-local-ip') }
  if (given.aliases.length > 0 && !isUserDefined(first.target)) {
    throw new OptionError('network-scoped aliases are only supported for user-defined networks')
  }
  for (const name of ['aliases', 'links', 'linkLocal'] as const) {
    if (given[name].length === 0) continue
    if (first[name].length > 0) throw new OptionError(`conflicting options: cannot specify both --${flagNames[name]} and per-network ${perNetwork[name]}`)
    if (name !== 'links' || isUserDefined(first.target)) first[name] = given[name]
  }
  for (const [field, name] of [['ip', 'ip'], ['ip6', 'ip6'], ['mac', 'mac-address']] as const) {
    const value = flags.string(name)
    if (value === '') continue
    if (first[field] !== '') throw new OptionError(`conflicting options: cannot specify both --${name} and per-network ${perNetwork[field]}`)
    first[field] = value
  }
}

const flagNames = { aliases: 'network-alias', links: 'link', linkLocal: 'link-local-ip' }
const perNetwork = { aliases: 'alias', links: 'links', linkLocal: 'link-local IP addresses', ip: 'IPv4 address', ip6: 'IPv6 address', mac: 'MAC address' }

function isUserDefined(target: string): boolean {
  return !/^(default|bridge|host|none|container(:.*)?)$/.test(target)
}

function isPlain(one: Attachment): boolean {
  const lists = [one.aliases, one.links, one.linkLocal]
  return lists.every((list) => list.length === 0) && !one.ip && !one.ip6 && !one.mac && one.priority === 0 && Object.keys(one.driver).length === 0
}

function endpoint(one: Attachment): Endpoint {
  const ipam = {
    ...(one.ip && { IPv4Address: one.ip }),
    ...(one.ip6 && { IPv6Address: one.ip6 }),
    ...(one.linkLocal.length > 0 && { LinkLocalIPs: one.linkLocal }),
  }
  return {
    IPAMConfig: Object.keys(ipam).length > 0 ? ipam : null,
    Links: one.links.length > 0 ? one.links : null,
    Aliases: one.aliases.length > 0 ? one.aliases : null,
    MacAddress: one.mac,
    DriverOpts: Object.keys(one.driver).length > 0 ? one.driver : null,
    GwPriority: one.priority,
    NetworkID: '',
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  }
}
