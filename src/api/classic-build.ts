import type { ClassicBuild } from '../engine/types/builds.ts'
import { GantryError, messageOf } from '../lib/errors.ts'
import type { Call } from './call.ts'

/** Query and headers of POST /build (API v1.51) of a client without BuildKit. @throws InvalidParameter, NotImplemented */
export function classicBuildOf(call: Call): ClassicBuild {
  const { query } = call
  const version = query.string('version')
  if (version !== '' && version !== '1') throw new GantryError('InvalidParameter', `invalid version ${version}`)
  refuse(call)
  const target = query.optional('target')
  const platform = query.optional('platform')
  return {
    id: query.string('buildid'),
    context: call.body,
    remote: query.string('remote'),
    dockerfile: query.optional('dockerfile') ?? 'Dockerfile',
    tags: query.strings('t').filter((tag) => tag !== ''),
    quiet: query.bool('q'),
    forceRemove: query.bool('forcerm'),
    remove: query.bool('rm', true),
    ...(target !== undefined && { target }),
    ...(platform !== undefined && { platform }),
    buildArgs: stringsOf(call, 'buildargs', 'error reading build args'),
    labels: stringsOf(call, 'labels', 'error reading labels'),
    noCache: query.bool('nocache'),
    pull: query.bool('pull'),
    cacheFrom: cacheFromOf(query.string('cachefrom')),
    credentials: registryAccounts(call),
    run: limitsOf(call),
  }
}

function refuse({ query }: Call): void {
  if (query.bool('squash')) throw new GantryError('InvalidParameter', 'squash is only supported with experimental mode')
  const isolation = query.string('isolation')
  if (isolation !== '' && isolation !== 'default') throw new GantryError('InvalidParameter', `unsupported isolation: ${JSON.stringify(isolation)}`)
  const outputs = query.string('outputs')
  if (outputs !== '' && outputs !== '[]' && outputs !== 'null') throw new GantryError('InvalidParameter', 'cannot export the result of a build to the client: the client has to use BuildKit for that')
}

function limitsOf({ query }: Call): ClassicBuild['run'] {
  const number = (name: string): number | undefined => query.int(name) || undefined
  const entries = {
    cgroupParent: query.optional('cgroupparent'),
    shmSize: number('shmsize'),
    memory: number('memory'),
    memorySwap: number('memswap'),
    cpuShares: number('cpushares'),
    cpuPeriod: number('cpuperiod'),
    cpuQuota: number('cpuquota'),
    cpusetCpus: query.optional('cpusetcpus'),
    cpusetMems: query.optional('cpusetmems'),
    securityOpt: query.strings('securityopt').length > 0 ? query.strings('securityopt') : undefined,
  }
  const given = Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as Partial<ClassicBuild['run']>
  return {
    network: query.optional('networkmode') ?? 'default',
    extraHosts: query.strings('extrahosts').filter((host) => host !== ''),
    ulimits: ulimitsOf(query.string('ulimits')),
    ...given,
  }
}

function ulimitsOf(text: string): { Name: string; Soft: number; Hard: number }[] {
  const list = text === '' ? [] : parse(text, 'error reading ulimit settings')
  if (list === null) return []
  if (Array.isArray(list) && list.every(isUlimit)) return list
  throw new GantryError('InvalidParameter', 'error reading ulimit settings: it is no list of ulimits')
}

function cacheFromOf(text: string): string[] {
  const list = text === '' ? [] : parse(text, 'error reading cache-from')
  if (list === null) return []
  if (Array.isArray(list) && list.every((each) => typeof each === 'string')) return list
  throw new GantryError('InvalidParameter', 'error reading cache-from: it is no list of images')
}

function isUlimit(value: unknown): value is { Name: string; Soft: number; Hard: number } {
  return typeof value === 'object' && value !== null && ['Soft', 'Hard'].every((key) => Number.isInteger((value as Record<string, unknown>)[key]))
}

/** A value of null is what the client's environment does not have. */
function stringsOf({ query }: Call, name: string, failure: string): Record<string, string> {
  const text = query.string(name)
  if (text === '') return {}
  const map = parse(text, failure)
  if (map === null) return {}
  if (typeof map !== 'object' || Array.isArray(map)) throw new GantryError('InvalidParameter', `${failure}: it is no object`)
  const entries = Object.entries(map)
  if (entries.some(([, value]) => value !== null && typeof value !== 'string')) throw new GantryError('InvalidParameter', `${failure}: a value is no string`)
  return Object.fromEntries(entries.filter(([, value]) => value !== null) as [string, string][])
}

function parse(text: string, failure: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new GantryError('InvalidParameter', `${failure}: ${messageOf(cause)}`, { cause })
  }
}

type Account = { username?: string; password?: string; auth?: string; identitytoken?: string }

/** X-Registry-Config: JSON in base64, accounts by registry. Docker's own has a name of its own. */
function registryAccounts({ request }: Call): ClassicBuild['credentials'] {
  const header = request.headers['x-registry-config']
  const text = typeof header === 'string' ? Buffer.from(header, 'base64url').toString('utf8') : ''
  const accounts = (text === '' ? {} : parse(text, 'invalid X-Registry-Config header')) as Record<string, Account>
  return async (host) => {
    const known = accounts[host] ?? (host === 'docker.io' ? accounts['https://index.docker.io/v1/'] : undefined)
    if (known === undefined) return undefined
    const [username = '', ...password] = Buffer.from(known.auth ?? '', 'base64').toString('utf8').split(':')
    return { username: known.username ?? username, password: known.password ?? password.join(':'), ...(known.identitytoken && { identityToken: known.identitytoken }) }
  }
}
