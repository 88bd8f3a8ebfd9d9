import { GantryError } from '../../lib/errors.ts'

/** Where systemd keeps the cgroup of a container (man 5 systemd.scope, systemd.slice). */
export interface SystemdUnit {
  slice: string
  /** "docker-<id>.scope" */
  unit: string
  /** Of the cgroup: "/system.slice/docker-<id>.scope", below the manager's own. */
  path: string
}

export interface UnitDefaults {
  /** What the names of units start with. */
  prefix?: string
  slice?: string
}

/** Reads `linux.cgroupsPath` in the form "slice:prefix:name"; without one it is "system.slice:<prefix>:<id>". */
export function systemdUnitOf(cgroupsPath: string | undefined, id: string, { prefix = 'gantry-runc', slice: usual = 'system.slice' }: UnitDefaults = {}): SystemdUnit {
  const parts = cgroupsPath ? cgroupsPath.split(':') : ['', prefix, id]
  if (parts.length !== 3) throw invalid(`expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(cgroupsPath)} instead`)
  const [givenSlice = '', scope = '', name = ''] = parts
  const slice = givenSlice || usual
  if (name === '' || [scope, name].some((part) => part.includes('/') || part.includes('\0'))) throw invalid(`cannot use linux.cgroupsPath ${JSON.stringify(cgroupsPath)}: a unit has no such name`)
  const unit = name.endsWith('.slice') ? name : `${scope === '' ? '' : `${scope}-`}${name}.scope`
  return { slice, unit, path: `${pathOfSlice(slice)}/${unit}` }
}

/** "a-b.slice" lies in "a.slice"; "-.slice" is the top. */
export function pathOfSlice(slice: string): string {
  const stem = slice.endsWith('.slice') ? slice.slice(0, -'.slice'.length) : ''
  if (stem === '-') return ''
  const names = stem.split('-')
  if (stem === '' || stem.includes('/') || names.includes('')) throw invalid(`cannot use slice ${JSON.stringify(slice)} of linux.cgroupsPath: it is not a name of a slice`)
  return names.map((_, index) => `/${names.slice(0, index + 1).join('-')}.slice`).join('')
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
