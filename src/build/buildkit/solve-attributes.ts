import { csvFields } from '../../lib/csv-fields.ts'
import { GantryError } from '../../lib/errors.ts'
import type { BuildRequest, CacheSpec } from '../contract.ts'

/** What attributes of front end "dockerfile.v0" say about a build, but for where its files come from. Source: BuildKit's dockerui. */
export type RequestedBuild = Pick<
  BuildRequest,
  'target' | 'platforms' | 'buildArgs' | 'labels' | 'noCache' | 'pull' | 'run' | 'cacheFrom' | 'attestations' | 'sourceDateEpoch'
>

type Attributes = Readonly<Record<string, string>>

/** @throws InvalidParameter with BuildKit's texts */
export function readAttributes(attributes: Attributes): RequestedBuild {
  const buildArgs = withPrefix(attributes, 'build-arg:')
  const target = attributes['target'] ?? ''
  const epoch = epochOf(buildArgs['SOURCE_DATE_EPOCH'])
  const cgroupParent = attributes['cgroup-parent'] ?? ''
  const shmSize = attributes['shm-size'] ?? ''
  return {
    ...(target !== '' && { target }),
    platforms: (attributes['platform'] ?? '').split(',').filter((platform) => platform !== ''),
    buildArgs,
    labels: withPrefix(attributes, 'label:'),
    noCache: noCacheOf(attributes['no-cache']),
    pull: pullOf(attributes['image-resolve-mode'] ?? ''),
    run: {
      network: networkOf(attributes['force-network-mode'] ?? ''),
      extraHosts: hostsOf(attributes['add-hosts'] ?? ''),
      ulimits: ulimitsOf(attributes['ulimit'] ?? ''),
      ...(cgroupParent !== '' && { cgroupParent }),
      ...(shmSize !== '' && { shmSize: whole(shmSize, 'failed to parse shm-size') }),
    },
    cacheFrom: importsOf(attributes),
    attestations: attestationsOf(attributes),
    ...(epoch !== undefined && { sourceDateEpoch: epoch }),
  }
}

export function withPrefix(attributes: Attributes, prefix: string): Record<string, string> {
  const found = Object.create(null) as Record<string, string>
  for (const [name, value] of Object.entries(attributes)) if (name.startsWith(prefix)) found[name.slice(prefix.length)] = value
  return found
}

/** An empty list is every stage. */
function noCacheOf(value: string | undefined): boolean | readonly string[] {
  if (value === undefined) return false
  return value === '' ? true : value.split(',').map((stage) => stage.toLowerCase())
}

function pullOf(mode: string): boolean {
  if (mode === 'pull') return true
  if (mode === '' || mode === 'default' || mode === 'local') return false
  throw invalid(`invalid image-resolve-mode: ${mode}`)
}

function networkOf(mode: string): string {
  if (mode === '' || mode === 'sandbox') return 'default'
  if (mode === 'none' || mode === 'host' || mode === 'default') return mode
  throw invalid(`network mode ${JSON.stringify(mode)} not supported by buildkit - you can define a custom network for your builder using the network driver-opt in buildx create`)
}

/** "name=address,…", as RUN's container wants "name:address". */
function hostsOf(value: string): string[] {
  return csvFields(value).map((field) => {
    const equals = field.indexOf('=')
    if (equals < 0) throw invalid(`invalid key-value pair ${field}`)
    return `${field.slice(0, equals).toLowerCase()}:${field.slice(equals + 1)}`
  })
}

/** "name=soft[:hard],…". */
function ulimitsOf(value: string): { Name: string; Soft: number; Hard: number }[] {
  return csvFields(value).map((field) => {
    const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(field)
    if (match === null) throw invalid(`failed to parse ulimit: invalid ulimit argument: ${field}`)
    const Soft = Number(match[2])
    return { Name: match[1]!, Soft, Hard: match[3] === undefined ? Soft : Number(match[3]) }
  })
}

function importsOf(attributes: Attributes): CacheSpec[] {
  const json = attributes['cache-imports'] ?? ''
  const listed = json === '' ? [] : parseImports(json)
  const references = csvFields(attributes['cache-from'] ?? '').map((ref) => ({ type: 'registry', attributes: { ref } }))
  return [...listed, ...references].map(cacheSpec)
}

function parseImports(json: string): { type: string; attributes: Record<string, string> }[] {
  try {
    return (JSON.parse(json) as { Type?: string; Attrs?: Record<string, string> }[]).map(({ Type = '', Attrs = {} }) => ({ type: Type, attributes: Attrs }))
  } catch (error) {
    throw new GantryError('InvalidParameter', `failed to unmarshal cache-imports (${JSON.stringify(json)})`, { cause: error })
  }
}

/** @throws InvalidParameter for a kind of cache that is not there */
export function cacheSpec({ type, attributes }: { type: string; attributes: Attributes }): CacheSpec {
  if (type === 'inline' || type === 'registry' || type === 'local') return { type, attributes }
  throw invalid(`unknown cache type: ${JSON.stringify(type)}`)
}

/** "attest:provenance" and "attest:sbom": "mode=min,…", "disabled=true"; present and empty is the default mode. */
function attestationsOf(attributes: Attributes): BuildRequest['attestations'] {
  const provenance = attestation(attributes['attest:provenance'])
  const sbom = attestation(attributes['attest:sbom'])
  const mode = provenance?.['mode'] ?? 'min'
  if (mode !== 'min' && mode !== 'max') throw invalid(`invalid mode ${mode}`)
  return { ...(provenance !== undefined && provenance['inline-only'] !== 'true' && { provenance: mode }), ...(sbom !== undefined && { sbom: true }) }
}

function attestation(value: string | undefined): Record<string, string> | undefined {
  if (value === undefined) return undefined
  const fields = Object.fromEntries(csvFields(value).map((field) => [field.split('=', 1)[0]!, field.slice(field.indexOf('=') + 1)]))
  return fields['disabled'] === 'true' ? undefined : fields
}

function epochOf(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined
  if (!/^\d+$/.test(value)) throw invalid(`invalid SOURCE_DATE_EPOCH: ${value}`)
  return Number(value)
}

function whole(value: string, failure: string): number {
  if (!/^\d+$/.test(value)) throw invalid(`${failure}: ${JSON.stringify(value)} is no number`)
  return Number(value)
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
