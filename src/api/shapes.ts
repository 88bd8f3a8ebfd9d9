import type { CreateVolume, ExecConfig, NetworkCreateRequest } from '../engine/engine.ts'
import type { ContainerConfig, HealthConfig } from '../engine/types/container-config.ts'
import type { DeviceRequest, EndpointSettings, HostConfig, MountPoint, PortBinding, ThrottleDevice } from '../engine/types/host-config.ts'
import type { Fields } from './decode.ts'
import { bool, int, list, map, pair, set, string, struct, words } from './decode.ts'

/** Shapes of request bodies, by the Engine API's definitions (v1.51). */

const healthConfig = struct<HealthConfig>('HealthcheckConfig', {
  Test: list(string),
  Interval: int,
  Timeout: int,
  StartPeriod: int,
  StartInterval: int,
  Retries: int,
})

const containerConfigFields = {
  Hostname: string,
  Domainname: string,
  User: string,
  AttachStdin: bool,
  AttachStdout: bool,
  AttachStderr: bool,
  ExposedPorts: set,
  Tty: bool,
  OpenStdin: bool,
  StdinOnce: bool,
  Env: list(string),
  Cmd: words,
  Healthcheck: healthConfig,
  ArgsEscaped: bool,
  Image: string,
  Volumes: set,
  WorkingDir: string,
  Entrypoint: words,
  NetworkDisabled: bool,
  OnBuild: list(string),
  Labels: map(string),
  StopSignal: string,
  StopTimeout: int,
  Shell: words,
}

export const portBinding = struct<PortBinding>('PortBinding', { HostIp: string, HostPort: string })
const throttleDevices = list(struct<ThrottleDevice>('ThrottleDevice', { Path: string, Rate: int }))
const bindOptions = struct<NonNullable<MountPoint['BindOptions']>>('BindOptions', {
  Propagation: string,
  NonRecursive: bool,
  CreateMountpoint: bool,
  ReadOnlyNonRecursive: bool,
  ReadOnlyForceRecursive: bool,
})
const tmpfsOptions = struct<NonNullable<MountPoint['TmpfsOptions']>>('TmpfsOptions', {
  SizeBytes: int,
  Mode: int,
  Options: list(list(string)),
})
const volumeOptions = struct<NonNullable<MountPoint['VolumeOptions']>>('VolumeOptions', {
  NoCopy: bool,
  Labels: map(string),
  DriverConfig: struct('Driver', { Name: string, Options: map(string) }),
  Subpath: string,
})
const mountPoint = struct<MountPoint>('Mount', {
  Type: string,
  Source: string,
  Target: string,
  ReadOnly: bool,
  Consistency: string,
  BindOptions: bindOptions,
  VolumeOptions: volumeOptions,
  ImageOptions: struct('ImageOptions', { Subpath: string }),
  TmpfsOptions: tmpfsOptions,
})
const device = struct<NonNullable<HostConfig['Devices']>[number]>('DeviceMapping', {
  PathOnHost: string,
  PathInContainer: string,
  CgroupPermissions: string,
})
const deviceRequest = struct<DeviceRequest>('DeviceRequest', { Driver: string, Count: int, DeviceIDs: list(string), Capabilities: list(list(string)), Options: map(string) })
const ulimit = struct<NonNullable<HostConfig['Ulimits']>[number]>('Ulimit', { Name: string, Soft: int, Hard: int })
const weightDevice = struct<NonNullable<HostConfig['BlkioWeightDevice']>[number]>('WeightDevice', { Path: string, Weight: int })
const logConfig = struct<NonNullable<HostConfig['LogConfig']>>('LogConfig', { Type: string, Config: map(string) })
const restartPolicy = struct<{ Name: string; MaximumRetryCount: number }>('RestartPolicy', { Name: string, MaximumRetryCount: int })

/** The restart policy's name is any word until the engine has validated it. */
export type RawHostConfig = Omit<HostConfig, 'RestartPolicy' | 'CgroupnsMode'> & {
  RestartPolicy?: { Name: string; MaximumRetryCount: number }
  CgroupnsMode?: string
}

const hostConfigFields: Fields<RawHostConfig> = {
  Binds: list(string),
  ContainerIDFile: string,
  LogConfig: logConfig,
  NetworkMode: string,
  PortBindings: map(list(portBinding)),
  RestartPolicy: restartPolicy,
  AutoRemove: bool,
  VolumeDriver: string,
  VolumesFrom: list(string),
  ConsoleSize: pair,
  Annotations: map(string),
  CapAdd: words,
  CapDrop: words,
  CgroupnsMode: string,
  Dns: list(string),
  DnsOptions: list(string),
  DnsSearch: list(string),
  ExtraHosts: list(string),
  GroupAdd: list(string),
  IpcMode: string,
  Cgroup: string,
  Links: list(string),
  OomScoreAdj: int,
  PidMode: string,
  Privileged: bool,
  PublishAllPorts: bool,
  ReadonlyRootfs: bool,
  SecurityOpt: list(string),
  StorageOpt: map(string),
  Tmpfs: map(string),
  UTSMode: string,
  UsernsMode: string,
  ShmSize: int,
  Sysctls: map(string),
  Runtime: string,
  Isolation: string,
  CpuShares: int,
  Memory: int,
  NanoCpus: int,
  CgroupParent: string,
  BlkioWeight: int,
  BlkioWeightDevice: list(weightDevice),
  BlkioDeviceReadBps: throttleDevices,
  BlkioDeviceWriteBps: throttleDevices,
  BlkioDeviceReadIOps: throttleDevices,
  BlkioDeviceWriteIOps: throttleDevices,
  CpuPeriod: int,
  CpuQuota: int,
  CpuRealtimePeriod: int,
  CpuRealtimeRuntime: int,
  CpusetCpus: string,
  CpusetMems: string,
  Devices: list(device),
  DeviceCgroupRules: list(string),
  DeviceRequests: list(deviceRequest),
  MemoryReservation: int,
  MemorySwap: int,
  MemorySwappiness: int,
  OomKillDisable: bool,
  PidsLimit: int,
  Ulimits: list(ulimit),
  Mounts: list(mountPoint),
  MaskedPaths: list(string),
  ReadonlyPaths: list(string),
  Init: bool,
}

export const hostConfig = struct<RawHostConfig>('HostConfig', hostConfigFields)
/** Of these the engine takes the limits and the restart policy. */
export const updateBody = struct<RawHostConfig>('UpdateConfig', hostConfigFields)

const endpointSettings = struct<Omit<EndpointSettings, 'DesiredMacAddress'>>('EndpointSettings', {
  IPAMConfig: struct('EndpointIPAMConfig', { IPv4Address: string, IPv6Address: string, LinkLocalIPs: list(string) }),
  Links: list(string),
  Aliases: list(string),
  MacAddress: string,
  DriverOpts: map(string),
  NetworkID: string,
  EndpointID: string,
  Gateway: string,
  IPAddress: string,
  IPPrefixLen: int,
  IPv6Gateway: string,
  GlobalIPv6Address: string,
  GlobalIPv6PrefixLen: int,
  DNSNames: list(string),
  GwPriority: int,
})

export type CreateBody = ContainerConfig & {
  /** Of the container's main network; moved into the endpoint in API 1.44. */
  MacAddress?: string
  HostConfig?: RawHostConfig
  NetworkingConfig?: { EndpointsConfig?: Record<string, EndpointSettings> }
}

export const createBody = struct<CreateBody>('CreateRequest', {
  ...containerConfigFields,
  MacAddress: string,
  HostConfig: hostConfig,
  NetworkingConfig: struct<NonNullable<CreateBody['NetworkingConfig']>>('NetworkingConfig', { EndpointsConfig: map(endpointSettings) }),
})

/** Of a commit: nothing for the container's own. */
export const commitBody = struct<ContainerConfig>('Config', containerConfigFields)

export const createVolume = struct<CreateVolume>('CreateOptions', { Name: string, Driver: string, DriverOpts: map(string), Labels: map(string) })

export const execConfig = struct<ExecConfig>('ExecOptions', {
  AttachStdin: bool,
  AttachStdout: bool,
  AttachStderr: bool,
  ConsoleSize: pair,
  DetachKeys: string,
  Tty: bool,
  Env: list(string),
  Cmd: words,
  Privileged: bool,
  User: string,
  WorkingDir: string,
})

export const createCheckpoint = struct<{ CheckpointID?: string; CheckpointDir?: string; Exit?: boolean }>('CreateOptions', {
  CheckpointID: string,
  CheckpointDir: string,
  Exit: bool,
})

export const execStart = struct<{ Detach?: boolean; Tty?: boolean; ConsoleSize?: [number, number] }>('ExecStartOptions', {
  Detach: bool,
  Tty: bool,
  ConsoleSize: pair,
})

export const createNetwork = struct<NetworkCreateRequest>('CreateRequest', {
  Name: string,
  Driver: string,
  Scope: string,
  EnableIPv4: bool,
  EnableIPv6: bool,
  Internal: bool,
  Attachable: bool,
  Ingress: bool,
  ConfigOnly: bool,
  ConfigFrom: struct('ConfigReference', { Network: string }),
  IPAM: struct<NonNullable<NetworkCreateRequest['IPAM']>>('IPAM', {
    Driver: string,
    Options: map(string),
    Config: list(struct<NonNullable<NonNullable<NetworkCreateRequest['IPAM']>['Config']>[number]>('IPAMConfig', {
      Subnet: string,
      IPRange: string,
      Gateway: string,
      AuxiliaryAddresses: map(string),
    })),
  }),
  Options: map(string),
  Labels: map(string),
})

export interface ConnectBody {
  Container?: string
  EndpointConfig?: Omit<EndpointSettings, 'DesiredMacAddress'>
}

export const connectNetwork = struct<ConnectBody>('ConnectRequest', { Container: string, EndpointConfig: endpointSettings })
export const disconnectNetwork = struct<{ Container?: string; Force?: boolean }>('DisconnectRequest', { Container: string, Force: bool })
