/** HostConfig of the Engine API (v1.51, definitions/HostConfig and Resources). Bytes, nanoseconds and µs as there. */
export interface HostConfig {
  Binds?: string[] | null
  ContainerIDFile?: string
  LogConfig?: { Type: string; Config: Record<string, string> | null }
  /** "default", "bridge", "host", "none", "container:<ref>" or a network's name or id. */
  NetworkMode?: string
  PortBindings?: Record<string, PortBinding[] | null> | null
  RestartPolicy?: { Name: '' | 'no' | 'always' | 'unless-stopped' | 'on-failure'; MaximumRetryCount: number }
  AutoRemove?: boolean
  VolumeDriver?: string
  VolumesFrom?: string[] | null
  /** Rows and columns. */
  ConsoleSize?: [number, number]
  Annotations?: Record<string, string>
  CapAdd?: string[] | null
  CapDrop?: string[] | null
  CgroupnsMode?: '' | 'host' | 'private'
  Dns?: string[] | null
  DnsOptions?: string[] | null
  DnsSearch?: string[] | null
  ExtraHosts?: string[] | null
  GroupAdd?: string[] | null
  IpcMode?: string
  Cgroup?: string
  Links?: string[] | null
  OomScoreAdj?: number
  PidMode?: string
  Privileged?: boolean
  PublishAllPorts?: boolean
  ReadonlyRootfs?: boolean
  SecurityOpt?: string[] | null
  StorageOpt?: Record<string, string> | null
  Tmpfs?: Record<string, string>
  UTSMode?: string
  UsernsMode?: string
  /** Bytes. */
  ShmSize?: number
  Sysctls?: Record<string, string>
  Runtime?: string
  Isolation?: string
  /** Relative weight, v1 cpu.shares. */
  CpuShares?: number
  Memory?: number
  NanoCpus?: number
  CgroupParent?: string
  BlkioWeight?: number
  BlkioWeightDevice?: { Path: string; Weight: number }[] | null
  BlkioDeviceReadBps?: ThrottleDevice[] | null
  BlkioDeviceWriteBps?: ThrottleDevice[] | null
  BlkioDeviceReadIOps?: ThrottleDevice[] | null
  BlkioDeviceWriteIOps?: ThrottleDevice[] | null
  /** µs. */
  CpuPeriod?: number
  CpuQuota?: number
  CpuRealtimePeriod?: number
  CpuRealtimeRuntime?: number
  CpusetCpus?: string
  CpusetMems?: string
  Devices?: { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[] | null
  DeviceCgroupRules?: string[] | null
  DeviceRequests?: DeviceRequest[] | null
  MemoryReservation?: number
  /** Memory plus swap; -1 unlimited. */
  MemorySwap?: number
  MemorySwappiness?: number | null
  OomKillDisable?: boolean | null
  PidsLimit?: number | null
  Ulimits?: { Name: string; Soft: number; Hard: number }[] | null
  Mounts?: MountPoint[] | null
  MaskedPaths?: string[] | null
  ReadonlyPaths?: string[] | null
  Init?: boolean | null
}

/** Devices by their driver: "cdi", or one that has the capabilities. */
export interface DeviceRequest {
  Driver?: string
  /** -1: all. */
  Count?: number
  DeviceIDs?: string[] | null
  /** Alternatives of what a driver must be able to do. */
  Capabilities?: string[][] | null
  Options?: Record<string, string> | null
}

export interface PortBinding {
  HostIp?: string
  HostPort?: string
}

export interface ThrottleDevice {
  Path: string
  Rate: number
}

export interface MountPoint {
  Type: string
  Source?: string
  Target: string
  ReadOnly?: boolean
  Consistency?: string
  BindOptions?: {
    Propagation?: string
    /** Without what is mounted below the source. */
    NonRecursive?: boolean
    /** The engine makes a missing source, a directory. */
    CreateMountpoint?: boolean
    /** A read-only mount leaves what is mounted below writable. */
    ReadOnlyNonRecursive?: boolean
    /** A read-only mount that cannot be so all the way down is an error. */
    ReadOnlyForceRecursive?: boolean
  }
  VolumeOptions?: {
    NoCopy?: boolean
    Labels?: Record<string, string>
    DriverConfig?: { Name?: string; Options?: Record<string, string> }
    Subpath?: string
  }
  ImageOptions?: { Subpath?: string }
  TmpfsOptions?: { SizeBytes?: number; Mode?: number; Options?: string[][] }
}

/** NetworkingConfig.EndpointsConfig values. */
export interface EndpointSettings {
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] | null } | null
  Links?: string[] | null
  Aliases?: string[] | null
  MacAddress?: string
  /** What the user asked for, while MacAddress is what it got. On disk only. */
  DesiredMacAddress?: string
  DriverOpts?: Record<string, string> | null
  NetworkID?: string
  EndpointID?: string
  Gateway?: string
  IPAddress?: string
  IPPrefixLen?: number
  IPv6Gateway?: string
  GlobalIPv6Address?: string
  GlobalIPv6PrefixLen?: number
  DNSNames?: string[] | null
  GwPriority?: number
}
