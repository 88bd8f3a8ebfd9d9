import { GantryError } from '../../lib/errors.ts'
import type { NetworkInfo, NetworkService } from '../../net/contract.ts'
import type { Filters } from '../engine.ts'
import { labelsMatch } from '../events/labels.ts'
import { parseTimeLimit } from '../images/time-limit.ts'
import { patternTest } from '../filter-pattern.ts'

const builtin = new Set(['bridge', 'host', 'none'])

/** The filters of GET /networks: driver, scope, name, id, label, type, dangling. @throws InvalidParameter */
export function networkFilter(filters: Filters, service: NetworkService): (network: NetworkInfo) => boolean {
  const tests = [...filters].map(([key, values]) => test(key, [...values], service))
  return (network) => tests.every((matches) => matches(network))
}

/** The filters of POST /networks/prune: until, label, label!. @throws InvalidParameter */
export function pruneFilter(filters: Filters): (network: NetworkInfo) => boolean {
  for (const key of filters.keys()) if (!['until', 'label', 'label!'].includes(key)) throw new GantryError('InvalidParameter', `invalid filter '${key}'`)
  const until = [...(filters.get('until') ?? [])]
  if (until.length > 1) throw new GantryError('InvalidParameter', 'more than one until filter specified')
  const limits = until.map((text) => parseTimeLimit(text))
  const unwanted = [...(filters.get('label!') ?? [])]
  return ({ created, labels }) =>
    limits.every((limit) => Date.parse(created) < limit) &&
    labelsMatch(labels, filters.get('label') ?? new Set()) &&
    !unwanted.some((label) => labelsMatch(labels, new Set([label])))
}

function test(key: string, values: readonly string[], service: NetworkService): (network: NetworkInfo) => boolean {
  switch (key) {
    case 'driver':
      return ({ driver }) => values.includes(driver)
    case 'scope':
      return ({ scope }) => values.includes(scope)
    case 'name':
      return matching(values, ({ name }) => name)
    case 'id':
      return matching(values, ({ id }) => id)
    case 'label':
      return ({ labels }) => labelsMatch(labels, new Set(values))
    case 'type':
      for (const value of values) if (value !== 'custom' && value !== 'builtin') throw new GantryError('InvalidParameter', `invalid filter: 'type'='${value}'`)
      return ({ name }) => values.includes(builtin.has(name) ? 'builtin' : 'custom')
    case 'dangling': {
      const wanted = values.map(isTrue)
      return ({ id, name }) => wanted.includes(!builtin.has(name) && service.endpoints(id).length === 0)
    }
    default:
      throw new GantryError('InvalidParameter', `invalid filter '${key}'`)
  }
}

function matching(values: readonly string[], textOf: (network: NetworkInfo) => string): (network: NetworkInfo) => boolean {
  const matches = values.map(patternTest)
  return (network) => matches.some((match) => match(textOf(network)))
}

function isTrue(value: string): boolean {
  if (['1', 'true', 'True', 'TRUE', 't', 'T'].includes(value)) return true
  if (['0', 'false', 'False', 'FALSE', 'f', 'F'].includes(value)) return false
  throw new GantryError('InvalidParameter', `invalid filter 'dangling=[${value}]'`)
}
