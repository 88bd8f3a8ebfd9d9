import type { ContainerConfig } from '../types/container-config.ts'
import type { HostConfig } from '../types/host-config.ts'

/**
 * What inspect shows of a container for which nothing was said: every field in the order of Docker, as clients count on them and compare
 * them as text. Those that are undefined have their place, and are shown only when something was said.
 */
const config: Record<string, unknown> = {
  Hostname: '', Domainname: '', User: '', AttachStdin: false, AttachStdout: false, AttachStderr: false, ExposedPorts: undefined, Tty: false, OpenStdin: false, StdinOnce: false, Env: null, Cmd: null,
  Healthcheck: undefined, ArgsEscaped: undefined, Image: '', Volumes: null, WorkingDir: '', Entrypoint: null, NetworkDisabled: undefined, MacAddress: undefined, OnBuild: null, Labels: null,
  StopSignal: undefined, StopTimeout: undefined, Shell: undefined,
}

const hostConfig: Record<string, unknown> = {
  Binds: null, ContainerIDFile: '', LogConfig: null, NetworkMode: '', PortBindings: null, RestartPolicy: null, AutoRemove: false, VolumeDriver: '', VolumesFrom: null, ConsoleSize: [0, 0],
  Annotations: undefined, CapAdd: null, CapDrop: null, CgroupnsMode: '', Dns: null, DnsOptions: null, DnsSearch: null, ExtraHosts: null, GroupAdd: null, IpcMode: '', Cgroup: '', Links: null,
  OomScoreAdj: 0, PidMode: '', Privileged: false, PublishAllPorts: false, ReadonlyRootfs: false, SecurityOpt: null, StorageOpt: undefined, Tmpfs: undefined, UTSMode: '', UsernsMode: '', ShmSize: 0,
  Sysctls: undefined, Runtime: undefined, Isolation: '', CpuShares: 0, Memory: 0, NanoCpus: 0, CgroupParent: '', BlkioWeight: 0, BlkioWeightDevice: null, BlkioDeviceReadBps: null,
  BlkioDeviceWriteBps: null, BlkioDeviceReadIOps: null, BlkioDeviceWriteIOps: null, CpuPeriod: 0, CpuQuota: 0, CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0, CpusetCpus: '', CpusetMems: '',
  Devices: null, DeviceCgroupRules: null, DeviceRequests: null, MemoryReservation: 0, MemorySwap: 0, MemorySwappiness: null, OomKillDisable: null, PidsLimit: null, Ulimits: null, CpuCount: 0,
  CpuPercent: 0, IOMaximumIOps: 0, IOMaximumBandwidth: 0, Mounts: undefined, MaskedPaths: null, ReadonlyPaths: null, Init: undefined,
}

export function shownConfig(own: ContainerConfig): ContainerConfig {
  return complete(config, own)
}

export function shownHostConfig(own: HostConfig): HostConfig {
  return complete(hostConfig, own)
}

function complete<T extends object>(empty: Record<string, unknown>, own: T): T {
  const said = Object.entries(own).filter(([, value]) => value !== undefined)
  return Object.fromEntries(Object.entries({ ...empty, ...Object.fromEntries(said) }).filter(([, value]) => value !== undefined)) as T
}
