import type { ContainerConfig } from '../types/container-config.ts'
import type { HostConfig } from '../types/host-config.ts'
import type { OciDevice } from '../../runc/spec.ts'
import type { Architecture } from '../../kernel/seccomp/architecture.ts'

/** Everything that a specification is made from. Nothing else is read: the same input gives the same specification. */
export interface SpecInput {
  /** 64 hexadecimal digits. */
  id: string
  /** The request's configuration merged with the image's. `Hostname` is filled in (first 12 digits of the id by default). */
  config: ContainerConfig
  hostConfig: HostConfig
  /** Host path of the mounted root file system. */
  rootfs: string
  user: ResolvedUser
  /** Host paths of the files that the engine writes for the container; absent ones are not mounted. */
  files: { hostname?: string; hosts?: string; resolvConf?: string }
  /** Host pids of the init processes whose namespaces are joined ("container:x" modes). */
  joined?: { network?: number; ipc?: number; pid?: number }
  /** Host path that becomes /dev/shm: another container's for "container:x", the engine's own for "shareable". */
  shmPath?: string
  /** Anonymous volumes: host directory and place in the container. */
  volumes?: { source: string; destination: string; readOnly?: boolean }[]
  /** Host path of the static init for --init. */
  initPath?: string
  /** cgroup that containers are put under when HostConfig.CgroupParent is empty; default "/docker". */
  cgroupParent?: string
  host: HostFacts
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
