import { randomBytes } from 'node:crypto'
import { parseBind } from '../spec/binds.ts'
import type { ContainerConfig } from '../types/container-config.ts'
import type { HostConfig } from '../types/host-config.ts'
import type { MountRecord } from './container.ts'

/** All mounts that the user or the image asked for. Volumes are new, private directories; `volumeData` says where. */
export function mountRecords(config: ContainerConfig, hostConfig: HostConfig, volumeData: (name: string) => string): MountRecord[] {
  const volume = (destination: string): MountRecord => {
    const name = randomBytes(32).toString('hex')
    return { Type: 'volume', Name: name, Source: volumeData(name), Destination: destination, Driver: 'local', Mode: '', RW: true, Propagation: '' }
  }
  const asked = [
    ...(hostConfig.Binds ?? []).map((text) => parseBind(text)).map((bind) =>
      bind.source === undefined ? volume(bind.destination) : bindRecord({ ...bind, source: bind.source }),
    ),
    ...(hostConfig.Mounts ?? []).flatMap((mount): MountRecord[] => {
      if (mount.Type === 'bind') {
        const readOnly = mount.ReadOnly ?? false
        return [bindRecord({ source: mount.Source ?? '', destination: mount.Target, readOnly, mode: '', propagation: mount.BindOptions?.Propagation || 'rprivate' })]
      }
      if (mount.Type === 'tmpfs') {
        return [{ Type: 'tmpfs', Source: '', Destination: mount.Target, Mode: '', RW: !(mount.ReadOnly ?? false), Propagation: '' }]
      }
      return mount.Type === 'volume' ? [volume(mount.Target)] : []
    }),
  ]
  const taken = new Set([...asked.map(({ Destination }) => Destination), ...Object.keys(hostConfig.Tmpfs ?? {})])
  return [...asked, ...Object.keys(config.Volumes ?? {}).filter((path) => !taken.has(path)).map((path) => volume(path))]
}

function bindRecord(bind: { source: string; destination: string; readOnly: boolean; mode: string; propagation: string }): MountRecord {
  return { Type: 'bind', Source: bind.source, Destination: bind.destination, Mode: bind.mode, RW: !bind.readOnly, Propagation: bind.propagation }
}
