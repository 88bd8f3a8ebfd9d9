import { GantryError } from '../../lib/errors.ts'
import { bindMountPoint, cleanPath, isMountMode, isPropagation, parseBind } from '../spec/binds.ts'
import type { ContainerConfig } from '../types/container-config.ts'
import type { HostConfig, MountPoint } from '../types/host-config.ts'
import { inventName } from '../volumes/names.ts'
import type { ContainerRecord, MountRecord } from './container.ts'

export interface PlanMounts {
  config: ContainerConfig
  hostConfig: HostConfig
  /** What is mounted below a read-only bind stays writable. */
  readOnlyNonRecursive?: boolean
  /** Mounts of the container that --volumes-from names. */
  mountsOf: (ref: string) => readonly MountRecord[]
}

/**
 * All mounts that the user or the image asked for, each place once: what is asked for by itself wins over what another container
 * has there, and that over the volumes of the image. Volumes are named here; they are made later.
 */
export function planMounts({ config, hostConfig, readOnlyNonRecursive = false, mountsOf }: PlanMounts): MountRecord[] {
  const driver = hostConfig.VolumeDriver || undefined
  const asked = [
    ...(hostConfig.Binds ?? []).map((text) => {
      const bind = parseBind(text)
      return recordOf(bindMountPoint(bind, driver), bind.mode)
    }),
    ...(hostConfig.Mounts ?? []).map((mount) => recordOf(mount, '')),
  ]
  const places = new Map<string, MountRecord>()
  for (const text of hostConfig.VolumesFrom ?? []) {
    const { ref, writable } = parseVolumesFrom(text)
    for (const mount of mountsOf(ref)) places.set(mount.Destination, inherited(mount, writable))
  }
  for (const mount of asked) places.set(mount.Destination, readOnlyNonRecursive ? readOnlyItself(mount) : mount)
  const taken = new Set([...places.keys(), ...Object.keys(hostConfig.Tmpfs ?? {})])
  const ofImage = Object.keys(config.Volumes ?? {})
    .map((path) => cleanPath(`/${path}`))
    .filter((path) => !taken.has(path))
    .map((path): MountRecord => ({ ...recordOf({ Type: 'volume', Target: path, ...withDriver(driver) }, ''), Mode: '' }))
  return [...places.values(), ...ofImage]
}

function readOnlyItself(mount: MountRecord): MountRecord {
  if (mount.Type !== 'bind' || mount.RW || mount.Spec === undefined) return mount
  return { ...mount, Spec: { ...mount.Spec, BindOptions: { ...mount.Spec.BindOptions, ReadOnlyNonRecursive: true } } }
}

/** Docker shows "z" for volumes that came with no mode of their own. */
function recordOf(spec: MountPoint, mode: string): MountRecord {
  const common = { Destination: cleanPath(spec.Target), RW: !(spec.ReadOnly ?? false), Spec: spec }
  if (spec.Type === 'volume') {
    return { Type: 'volume', Name: spec.Source || inventName(), Source: '', Driver: spec.VolumeOptions?.DriverConfig?.Name || 'local', Mode: mode || 'z', Propagation: '', ...common }
  }
  if (spec.Type === 'tmpfs') return { Type: 'tmpfs', Source: '', Mode: '', Propagation: '', ...common }
  if (spec.Type === 'image') return { Type: 'image', Source: spec.Source ?? '', Mode: '', Propagation: 'rprivate', ...common, RW: false }
  return { Type: 'bind', Source: cleanPath(spec.Source ?? ''), Mode: mode, Propagation: spec.BindOptions?.Propagation || 'rprivate', ...common }
}

function inherited({ Mode: _mode, Image: _image, ...mount }: MountRecord, writable: boolean): MountRecord {
  const Spec: MountPoint = mount.Spec ?? { Type: mount.Type, Source: '', Target: mount.Destination }
  const RW = mount.RW && writable
  return { ...mount, Mode: '', RW, Inherited: true, Spec: { ...Spec, ...(RW ? {} : { ReadOnly: true }) } }
}

/** `container[:mode]`. @throws InvalidParameter with Docker's text */
function parseVolumesFrom(text: string): { ref: string; writable: boolean } {
  if (text === '') throw new GantryError('InvalidParameter', 'volumes-from specification cannot be an empty string')
  const [ref = '', ...rest] = text.split(':')
  const mode = rest.join(':')
  const options = mode.split(',')
  if (!isMountMode(mode) || options.some((option) => isPropagation(option) || option === 'nocopy')) throw new GantryError('InvalidParameter', `invalid mode: ${mode}`)
  return { ref, writable: !options.includes('ro') }
}

function withDriver(driver: string | undefined): Pick<MountPoint, 'VolumeOptions'> {
  return driver === undefined ? {} : { VolumeOptions: { DriverConfig: { Name: driver } } }
}

/** Made for this container, or for another whose volumes it shares: it goes with the last of them that is removed with its volumes. */
export function isAnonymous({ Type, Spec }: MountRecord): boolean {
  return Type === 'volume' && !Spec?.Source
}

export function volumeNames({ mounts }: Pick<ContainerRecord, 'mounts'>): string[] {
  return [...new Set(mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name !== undefined ? [Name] : [])))]
}

export function anonymousVolumes({ mounts }: Pick<ContainerRecord, 'mounts'>): string[] {
  return mounts.filter(isAnonymous).flatMap(({ Name }) => (Name === undefined ? [] : [Name]))
}

/** As `inspect` and `ps` show it. */
export function mountView({ Type, Name, Source, Destination, Driver, Mode, RW, Propagation }: MountRecord): Record<string, unknown> {
  return { Type, ...(Name !== undefined && { Name }), Source, Destination, ...(Driver !== undefined && { Driver }), Mode, RW, Propagation }
}
