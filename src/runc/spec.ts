/** config.json of the OCI runtime specification 1.2, Linux. */
export interface OciSpec {
  ociVersion: string
  process?: OciProcess
  root?: { path: string; readonly?: boolean }
  hostname?: string
  domainname?: string
  mounts?: OciMount[]
  hooks?: OciHooks
  annotations?: Record<string, string>
  linux?: OciLinux
}

export interface OciProcess {
  terminal?: boolean
  consoleSize?: { height: number; width: number }
  user: OciUser
  args: string[]
  env?: string[]
  cwd: string
  capabilities?: OciCapabilities
  rlimits?: { type: string; soft: number | bigint; hard: number | bigint }[]
  noNewPrivileges?: boolean
  apparmorProfile?: string
  selinuxLabel?: string
  oomScoreAdj?: number
  scheduler?: OciScheduler
  ioPriority?: { class: string; priority: number }
  execCPUAffinity?: { initial?: string; final?: string }
}

export interface OciScheduler {
  policy: string
  nice?: number
  priority?: number
  flags?: string[]
  runtime?: number
  deadline?: number
  period?: number
}

export interface OciUser {
  uid: number
  gid: number
  umask?: number
  additionalGids?: number[]
}

export interface OciCapabilities {
  bounding?: string[]
  effective?: string[]
  inheritable?: string[]
  permitted?: string[]
  ambient?: string[]
}

export interface OciMount {
  destination: string
  type?: string
  source?: string
  options?: string[]
  uidMappings?: OciIdMapping[]
  gidMappings?: OciIdMapping[]
}

export interface OciHooks {
  prestart?: OciHook[]
  createRuntime?: OciHook[]
  createContainer?: OciHook[]
  startContainer?: OciHook[]
  poststart?: OciHook[]
  poststop?: OciHook[]
}

/** What hooks and seccomp listeners are told of a container (OCI runtime.md, "State"). */
export interface OciState {
  ociVersion: string
  id: string
  status: 'creating' | 'created' | 'running' | 'stopped'
  pid?: number
  bundle: string
  annotations?: Record<string, string>
}

export interface OciHook {
  path: string
  args?: string[]
  env?: string[]
  timeout?: number
}

export interface OciIdMapping {
  containerID: number
  hostID: number
  size: number
}

export interface OciLinux {
  namespaces?: { type: OciNamespace; path?: string }[]
  uidMappings?: OciIdMapping[]
  gidMappings?: OciIdMapping[]
  timeOffsets?: Record<string, { secs?: number; nanosecs?: number }>
  devices?: OciDevice[]
  cgroupsPath?: string
  resources?: OciResources
  rootfsPropagation?: string
  seccomp?: OciSeccomp
  sysctl?: Record<string, string>
  maskedPaths?: string[]
  readonlyPaths?: string[]
  mountLabel?: string
  personality?: { domain: string; flags?: string[] }
  /** Links of the host by name, and what they are called in the container. */
  netDevices?: Record<string, { name?: string }>
  intelRdt?: OciIntelRdt
  memoryPolicy?: { mode: string; nodes?: string; flags?: string[] }
}

export interface OciIntelRdt {
  closID?: string
  l3CacheSchema?: string
  memBwSchema?: string
  schemata?: string[]
  enableMonitoring?: boolean
}

export type OciNamespace = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time'

export interface OciDevice {
  path: string
  type: string
  major: number
  minor: number
  fileMode?: number
  uid?: number
  gid?: number
}

export interface OciResources {
  devices?: { allow: boolean; type?: string; major?: number; minor?: number; access?: string }[]
  memory?: { limit?: number; reservation?: number; swap?: number; kernel?: number; kernelTCP?: number; swappiness?: number; disableOOMKiller?: boolean }
  cpu?: { shares?: number; quota?: number; period?: number; burst?: number; realtimeRuntime?: number; realtimePeriod?: number; cpus?: string; mems?: string; idle?: number }
  pids?: { limit: number }
  blockIO?: Record<string, unknown>
  hugepageLimits?: { pageSize: string; limit: number }[]
  network?: { classID?: number; priorities?: { name: string; priority: number }[] }
  rdma?: Record<string, { hcaHandles?: number; hcaObjects?: number }>
  unified?: Record<string, string>
}

export interface OciSeccomp {
  defaultAction: string
  defaultErrnoRet?: number
  architectures?: string[]
  flags?: string[]
  listenerPath?: string
  listenerMetadata?: string
  syscalls?: OciSyscallRule[]
}

export interface OciSyscallRule {
  names: string[]
  action: string
  errnoRet?: number
  args?: { index: number; value: number | bigint; valueTwo?: number | bigint; op: string }[]
}
