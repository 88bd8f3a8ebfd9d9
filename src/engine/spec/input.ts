import type { ContainerConfig } from '../types/container-config.ts'
import type { HostConfig, MountPoint } from '../types/host-config.ts'
import type { OciDevice } from '../../runc/spec.ts'
import type { Architecture } from '../../kernel/seccomp/architecture.ts'
import type { IdMaps } from '../../kernel/user-namespace.ts'
import type { SecurityDefaults } from '../security/defaults.ts'

/** Everything that a specification is made from. Nothing else is read: the same input gives the same specification. */
export interface SpecInput {
  /** 64 hexadecimal digits. */
  id: string
  /** The request's configuration merged with the image's. `Hostname` is filled in (first 12 digits of the id by default). */
  config: ContainerConfig
  hostConfig: HostConfig
  /** What links tell: before the image's and the user's variables, which may replace it. */
  linkEnvironment?: readonly string[]
  /** Host path of the mounted root file system. */
  rootfs: string
  user: ResolvedUser
  /** Host paths of the files that the engine writes for the container; absent ones are not mounted. */
  files: { hostname?: string; hosts?: string; resolvConf?: string }
  /** Host pids of the init processes whose namespaces are joined ("container:x" modes). */
  joined?: { network?: number; ipc?: number; pid?: number }
  /** Host path that becomes /dev/shm: another container's for "container:x", the engine's own for "shareable". */
  shmPath?: string
  /** Volumes and images: host path and place in the container. */
  volumes?: { source: string; destination: string; readOnly?: boolean }[]
  /** Binds and tmpfs that came by --volumes-from. */
  inherited?: MountPoint[]
  /** Places of read-only binds below which mounts stay writable. */
  plainReadOnly?: ReadonlySet<string>
  /** Host path of the static init for --init. */
  initPath?: string
  /** cgroup that containers are put under when HostConfig.CgroupParent is empty; default "/docker", with systemd "system.slice". */
  cgroupParent?: string
  /** Who makes cgroups; default "cgroupfs". */
  cgroupDriver?: CgroupDriver
  /** The user namespace that the container gets; that of the host unless given. */
  users?: ContainerUsers
  /** SELinux labels of processes and of files, where it is enabled. */
  labels?: { process: string; mount: string }
  /** Docker's own unless given. */
  security?: SecurityDefaults
  host: HostFacts
}

/** Docker's `native.cgroupdriver`. */
export type CgroupDriver = 'cgroupfs' | 'systemd'

/** A user namespace of its own, or, to be joined, that of a container: then the host pid of its first process. */
export interface ContainerUsers extends IdMaps {
  joined?: number
}

/** A user looked up inside the root file system. */
export interface ResolvedUser {
  uid: number
  gid: number
  additionalGids: number[]
  home: string
}

/** What the engine knows about the machine that it runs on. */
export interface HostFacts {
  architecture: Architecture
  kernel: KernelVersion
  /** Capabilities that the engine can hand on. */
  capabilities: bigint
  /** Version of the hierarchy that carries the controllers; hybrid hosts are 1. */
  cgroupVersion: 1 | 2
  /** Usable processors. */
  cpus: number
  /** Memory nodes as the kernel lists them: "0-1". */
  memoryNodes: string
  /** Whether memory.swap.max (v2) or memory.memsw.limit_in_bytes (v1) exists. */
  swapLimit: boolean
  timeNamespace: boolean
  apparmor: boolean
  selinux: boolean
  /** Every device node below /dev, for privileged containers and --device. */
  devices: OciDevice[]
  /** Paths that exist on this machine only and have to be masked too. */
  maskedPaths: string[]
}

export interface KernelVersion {
  major: number
  minor: number
}
