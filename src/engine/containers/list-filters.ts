import { GantryError } from '../../lib/errors.ts'
import { spanOf } from '../../lib/port-table.ts'
import type { Filters } from '../engine.ts'
import { stateWord } from './container.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { imageAndDescendants } from './ancestors.ts'
import { never } from './timestamp.ts'
import { patternTest } from '../filter-pattern.ts'

type Test = (container: Container) => boolean

const states = new Set(['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'])
const healths = new Set(['none', 'starting', 'healthy', 'unhealthy'])

/** One row a filter of GET /containers/json (API v1.51). Values of one filter are alternatives, filters add up; labels add up too. */
const tests: Record<string, (values: string[], ctx: ContainersContext) => Test> = {
  ancestor: (values, ctx) => {
    const images = imageAndDescendants(ctx.images, values)
    return ({ imageId }) => images.has(imageId)
  },
  before: (values, ctx) => {
    const bounds = values.map((ref) => Date.parse(ctx.registry.get(ref).created))
    const ids = new Set(values.map((ref) => ctx.registry.get(ref).id))
    return ({ created, id }) => !ids.has(id) && bounds.every((bound) => Date.parse(created) <= bound)
  },
  exited: (values) => {
    const codes = new Set(values.map(exitCodeOf))
    return ({ state }) => !state.Running && state.StartedAt !== never && codes.has(state.ExitCode)
  },
  expose: (values) => portTest('expose', values, ({ config }) => Object.keys(config.ExposedPorts ?? {})),
  health: (values) => {
    for (const value of values) if (!healths.has(value)) throw new GantryError('InvalidParameter', `unrecognized filter value for health: ${value}`)
    return ({ state }) => values.includes(state.Health?.Status ?? 'none')
  },
  id: (values) => anyMatch(values, ({ id }) => [id]),
  'is-task': (values) => {
    for (const value of values) if (!/^(true|false|1|0)$/.test(value)) throw invalid('is-task', `[${value}]`)
    return () => values.includes('false') || values.includes('0')
  },
  isolation: () => () => true,
  label: (values) => ({ config }) => values.every((value) => matchesLabel(config.Labels ?? {}, value)),
  name: (values) => anyMatch(values, ({ name }) => [name, `/${name}`]),
  network: (values) => ({ networks, hostConfig }) =>
    values.some((value) => value === hostConfig.NetworkMode || Object.entries(networks).some(([name, { NetworkID }]) => name === value || NetworkID === value)),
  // The host's ports, not the container's.
  publish: (values) => portTest('publish', values, ({ ports }) => Object.entries(ports).flatMap(([key, bound]) => (bound.map(({ HostPort }) => `${HostPort}/${key.split('/')[1] ?? 'tcp'}`)))),
  since: (values, ctx) => {
    const bounds = values.map((ref) => Date.parse(ctx.registry.get(ref).created))
    const ids = new Set(values.map((ref) => ctx.registry.get(ref).id))
    return ({ created, id }) => !ids.has(id) && bounds.every((bound) => Date.parse(created) >= bound)
  },
  status: (values) => {
    for (const value of values) if (!states.has(value)) throw invalid('status', value)
    return ({ state }) => values.includes(stateWord(state))
  },
  volume: (values) => ({ mounts }) => values.some((value) => mounts.some(({ Name, Destination, Source }) => value === Name || value === Destination || value === Source)),
}

/** @throws InvalidParameter "invalid filter 'x'", "invalid filter 'status=x'"; NotFound for before and since */
export function containerTest(ctx: ContainersContext, filters: Filters): Test {
  const all = [...filters].map(([key, values]) => {
    const make = tests[key]
    if (make === undefined) throw new GantryError('InvalidParameter', `invalid filter '${key}'`)
    return make([...values], ctx)
  })
  return (container) => all.every((test) => test(container))
}

/** "key" or "key=value". */
export function matchesLabel(labels: Record<string, string>, text: string): boolean {
  const at = text.indexOf('=')
  return at < 0 ? Object.hasOwn(labels, text) : labels[text.slice(0, at)] === text.slice(at + 1) && Object.hasOwn(labels, text.slice(0, at))
}

function anyMatch(values: string[], texts: (container: Container) => string[]): Test {
  const matches = values.map(patternTest)
  return (container) => texts(container).some((text) => matches.some((match) => match(text)))
}

/** Values "80", "80/udp", "8000-8010/tcp". */
function portTest(filter: 'expose' | 'publish', values: string[], portsOf: (container: Container) => string[]): Test {
  const ranges = values.map((value) => {
    if (value.includes(':')) throw new GantryError('InvalidParameter', `filter for '${filter}' should not contain ':': ${value}`)
    const [, from, to = from, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(value) ?? []
    if (from === undefined) throw new GantryError('InvalidParameter', `error while looking up for ${filter} ${value}: strconv.ParseUint: parsing ${JSON.stringify(value.split('/')[0])}: invalid syntax`)
    if (Number(to) < Number(from)) throw new GantryError('InvalidParameter', `error while looking up for ${filter} ${value}: Invalid range specified for the Port: ${value.split('/')[0] ?? ''}`)
    return { from: Number(from), to: Number(to), protocol }
  })
  return (container) =>
    portsOf(container).some((key) => {
      const { first, last, protocol } = spanOf(key)
      return ranges.some((range) => range.protocol === protocol && last >= range.from && first <= range.to)
    })
}

function exitCodeOf(value: string): number {
  if (!/^-?\d+$/.test(value)) throw new GantryError('InvalidParameter', `invalid filter 'exited=${value}': strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`)
  return Number(value)
}

function invalid(filter: string, value: string): GantryError {
  return new GantryError('InvalidParameter', `invalid filter '${filter}=${value}'`)
}
