import { packPorts } from '../../lib/port-table.ts'
import type { ContainerConfig } from '../types/container-config.ts'
import type { EndpointSettings, HostConfig } from '../types/host-config.ts'
import { initialState } from './container.ts'
import type { ContainerRecord, MountRecord, RecordedState } from './container.ts'

/** config.v2.json with Docker's field names; hostconfig.json is the HostConfig alone. Only there is each port of a range by itself. */
export interface ConfigFile {
  StreamConfig: Record<string, never>
  State: RecordedState
  ID: string
  Created: string
  Managed: boolean
  Path: string
  Args: string[]
  Config: ContainerConfig
  Image: string
  NetworkSettings: { Networks: Record<string, EndpointSettings>; Ports: ContainerRecord['ports'] }
  LogPath: string
  Name: string
  Driver: string
  OS: string
  MountLabel: string
  ProcessLabel: string
  RestartCount: number
  HasBeenStartedBefore: boolean
  HasBeenManuallyStopped: boolean
  MountPoints: Record<string, MountRecord>
  AppArmorProfile: string
  HostnamePath: string
  HostsPath: string
  ShmPath: string
  ResolvConfPath: string
  LinkEnvironment?: string[]
  ImageManifest?: ContainerRecord['imageManifest']
  CgroupValues?: Record<string, string>
}

export interface ContainerPaths {
  directory: string
  config: string
  hostConfig: string
  hostname: string
  hosts: string
  resolvConf: string
  log: string
  /** Of the local driver, and of those that send lines on: what has not been sent, and what `docker logs` shows. */
  localLog: string
  cachedLog: string
  /** How far they have been sent. */
  logPosition: string
  /** The last program that made the container, kept for `explain`. */
  program: string
}

export function containerPaths(dataRoot: string, id: string): ContainerPaths {
  const directory = `${dataRoot}/containers/${id}`
  return {
    directory,
    config: `${directory}/config.v2.json`,
    hostConfig: `${directory}/hostconfig.json`,
    hostname: `${directory}/hostname`,
    hosts: `${directory}/hosts`,
    resolvConf: `${directory}/resolv.conf`,
    log: `${directory}/${id}-json.log`,
    localLog: `${directory}/local-logs/container.log`,
    cachedLog: `${directory}/container-cached.log`,
    logPosition: `${directory}/log-position`,
    program: `${directory}/program`,
  }
}

export function encodeConfigFile(record: ContainerRecord, paths: ContainerPaths): string {
  const file: ConfigFile = {
    StreamConfig: {},
    State: record.state,
    ID: record.id,
    Created: record.created,
    Managed: false,
    Path: record.path,
    Args: record.args,
    Config: record.config,
    Image: record.imageId,
    NetworkSettings: { Networks: record.networks, Ports: record.ports },
    LogPath: logPath(record, paths),
    Name: `/${record.name}`,
    Driver: record.driver,
    OS: 'linux',
    MountLabel: record.labels?.mount ?? '',
    ProcessLabel: record.labels?.process ?? '',
    RestartCount: record.restartCount,
    HasBeenStartedBefore: record.hasBeenStartedBefore,
    HasBeenManuallyStopped: record.hasBeenManuallyStopped,
    MountPoints: Object.fromEntries(record.mounts.map((mount) => [mount.Destination, mount])),
    AppArmorProfile: '',
    HostnamePath: paths.hostname,
    HostsPath: paths.hosts,
    ShmPath: '',
    ResolvConfPath: paths.resolvConf,
    ...(record.linkEnvironment?.length && { LinkEnvironment: record.linkEnvironment }),
    ...(record.imageManifest && { ImageManifest: record.imageManifest }),
    ...(record.cgroupValues && { CgroupValues: record.cgroupValues }),
  }
  return JSON.stringify(file)
}

/** @throws when the text is no record of container `id` */
export function decodeConfigFile(id: string, text: string, hostConfigText: string): ContainerRecord {
  const file = JSON.parse(text) as Partial<ConfigFile> | null
  if (file === null || file.ID !== id || typeof file.Name !== 'string' || typeof file.Path !== 'string') {
    throw new Error('it is not the configuration of this container')
  }
  const hostConfig = JSON.parse(hostConfigText) as HostConfig | null
  if (hostConfig === null || typeof hostConfig !== 'object') throw new Error('hostconfig.json holds no object')
  return {
    id,
    name: file.Name.replace(/^\//, ''),
    created: file.Created ?? '',
    path: file.Path,
    args: file.Args ?? [],
    config: { ...file.Config, ...(file.Config?.ExposedPorts && { ExposedPorts: packPorts(file.Config.ExposedPorts) }) },
    hostConfig: { ...hostConfig, ...(hostConfig.PortBindings && { PortBindings: packPorts(hostConfig.PortBindings) }) },
    imageId: file.Image ?? '',
    driver: file.Driver ?? '',
    state: { ...initialState(), ...file.State },
    networks: file.NetworkSettings?.Networks ?? {},
    ports: packPorts(file.NetworkSettings?.Ports ?? {}),
    mounts: Object.values(file.MountPoints ?? {}),
    restartCount: file.RestartCount ?? 0,
    hasBeenStartedBefore: file.HasBeenStartedBefore ?? false,
    hasBeenManuallyStopped: file.HasBeenManuallyStopped ?? false,
    ...(file.ProcessLabel || file.MountLabel ? { labels: { process: file.ProcessLabel ?? '', mount: file.MountLabel ?? '' } } : {}),
    ...(file.LinkEnvironment && { linkEnvironment: file.LinkEnvironment }),
    ...(file.ImageManifest && { imageManifest: file.ImageManifest }),
    ...(file.CgroupValues && { cgroupValues: file.CgroupValues }),
  }
}

/** Only json-file logs are files; other drivers have no path. */
export function logPath(record: Pick<ContainerRecord, 'hostConfig'>, paths: ContainerPaths): string {
  return (record.hostConfig.LogConfig?.Type ?? 'json-file') === 'json-file' ? paths.log : ''
}
