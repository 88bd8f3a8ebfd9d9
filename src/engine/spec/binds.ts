import { posix } from 'node:path'
import { GantryError } from '../../lib/errors.ts'
import type { MountPoint } from '../types/host-config.ts'

/** One value of -v. */
export interface Bind {
  /** Absolute host path, or the name of a volume; undefined for an anonymous volume. */
  source?: string
  destination: string
  readOnly: boolean
  /** "rprivate" unless given. */
  propagation: string
  /** Empty when not given; kept for inspect. */
  mode: string
}

const propagations = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'])
const consistencies = new Set(['consistent', 'cached', 'delegated', 'default'])
const labels = new Set(['z', 'Z'])

/**
 * Reads `[source:]destination[:mode]`; the mode is a comma-separated list of at most one of ro|rw, one propagation,
 * z|Z (no effect without SELinux), nocopy and a consistency.
 * @throws InvalidParameter with Docker's words: `invalid volume specification: 'x'`, `invalid mode: x`,
 *   `invalid mount path: 'x' mount path must be absolute`
 */
export function parseBind(specification: string): Bind {
  const parts = specification.split(':')
  const [first = '', second, mode = ''] = parts
  if (parts.length > 3 || first === '' || second === '' || (parts.length === 3 && mode === '')) {
    throw invalidSpecification(specification)
  }
  // With two parts the second is a mode when it cannot be a path: "/data:ro" is an anonymous volume.
  if (second === undefined) return checked(specification, { destination: first, mode: '' })
  if (parts.length === 2 && !second.startsWith('/') && isMountMode(second)) {
    return checked(specification, { destination: first, mode: second })
  }
  return checked(specification, { source: first, destination: second, mode })
}

function checked(specification: string, bind: { source?: string; destination: string; mode: string }): Bind {
  if (!isMountMode(bind.mode)) throw new GantryError('InvalidParameter', `invalid mode: ${bind.mode}`)
  const type = bind.source?.startsWith('/') ? 'bind' : 'volume'
  const problem = destinationProblem(bind.destination)
  if (problem) throw invalidSpecification(specification, `invalid mount config for type "${type}": ${problem}`)
  const options = bind.mode.split(',')
  const extra = type === 'bind' ? options.includes('nocopy') && 'VolumeOptions' : options.some(isPropagation) && 'BindOptions'
  if (extra) throw invalidSpecification(specification, `invalid mount config for type "${type}": field ${extra} must not be specified`)
  return {
    ...bind,
    ...(bind.source?.startsWith('/') ? { source: cleanPath(bind.source) } : {}),
    destination: cleanPath(bind.destination),
    readOnly: options.includes('ro'),
    propagation: options.find((option) => propagations.has(option)) ?? 'rprivate',
  }
}

/** Why a path cannot be a mount's place in the container, in Docker's words; undefined when it can. */
export function destinationProblem(destination: string): string | undefined {
  if (!destination.startsWith('/')) return `invalid mount path: '${destination}' mount path must be absolute`
  if (cleanPath(destination) === '/') return "invalid specification: destination can't be '/'"
  return undefined
}

/** The same as a `--mount`; `driver` is that of volumes which come by -v. */
export function bindMountPoint({ source = '', destination, readOnly, propagation, mode }: Bind, driver?: string): MountPoint {
  const options = mode.split(',')
  const common = { Source: source, Target: destination, ReadOnly: readOnly }
  if (source.startsWith('/')) return { Type: 'bind', ...common, ...(options.some(isPropagation) ? { BindOptions: { Propagation: propagation } } : {}) }
  const volume = { ...(driver === undefined ? {} : { DriverConfig: { Name: driver } }), ...(options.includes('nocopy') ? { NoCopy: true } : {}) }
  return { Type: 'volume', ...common, ...(Object.keys(volume).length === 0 ? {} : { VolumeOptions: volume }) }
}

export function isPropagation(mode: string): boolean {
  return propagations.has(mode)
}

export function isMountMode(mode: string): boolean {
  if (mode === '') return true
  const seen = new Set<string>()
  return mode.split(',').every((option) => {
    const kind = kindOf(option)
    if (kind === undefined || seen.has(kind)) return false
    seen.add(kind)
    return true
  })
}

function kindOf(option: string): string | undefined {
  if (option === 'ro' || option === 'rw') return 'access'
  if (propagations.has(option)) return 'propagation'
  if (consistencies.has(option)) return 'consistency'
  if (labels.has(option)) return 'label'
  return option === 'nocopy' ? 'copy' : undefined
}

/** Without "." and ".." and doubled or trailing slashes. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}

function invalidSpecification(specification: string, reason?: string): GantryError {
  const text = `invalid volume specification: '${specification}'`
  return new GantryError('InvalidParameter', reason === undefined ? text : `${text}: ${reason}`)
}
