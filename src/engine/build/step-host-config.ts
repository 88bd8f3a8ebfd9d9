import type { RunStep } from '../../build/contract.ts'
import { completeHostConfig } from '../containers/host-config-defaults.ts'
import type { HostConfig } from '../types/host-config.ts'

/** The walls around a step: those of a container that asks for nothing, but for the limits of the build. */
export function stepHostConfig({ defaults, network, privileged, mounts }: RunStep, { resolve, runtime }: { resolve: (ref: string) => string; runtime: string }): HostConfig {
  const { ulimits, cgroupParent, shmSize, memory, memorySwap, cpuShares, cpuPeriod, cpuQuota, cpusetCpus, cpusetMems, securityOpt } = defaults
  const request: HostConfig = {
    NetworkMode: network === 'default' ? defaults.network : network,
    Privileged: privileged,
    Ulimits: [...ulimits],
    ...(cgroupParent !== undefined && { CgroupParent: cgroupParent }),
    ...(shmSize !== undefined && { ShmSize: shmSize }),
    ...(memory !== undefined && { Memory: memory }),
    ...(memorySwap !== undefined && { MemorySwap: memorySwap }),
    ...(cpuShares !== undefined && { CpuShares: cpuShares }),
    ...(cpuPeriod !== undefined && { CpuPeriod: cpuPeriod }),
    ...(cpuQuota !== undefined && { CpuQuota: cpuQuota }),
    ...(cpusetCpus !== undefined && { CpusetCpus: cpusetCpus }),
    ...(cpusetMems !== undefined && { CpusetMems: cpusetMems }),
    ...(securityOpt !== undefined && { SecurityOpt: [...securityOpt] }),
    Mounts: mounts.map((mount) =>
      mount.type === 'bind'
        ? { Type: 'bind', Source: mount.source, Target: mount.target, ReadOnly: mount.readOnly }
        : { Type: 'tmpfs', Target: mount.target, TmpfsOptions: { Mode: 0o1777, Options: [['exec']], ...(mount.size !== undefined && { SizeBytes: mount.size }) } },
    ),
  }
  return completeHostConfig(request, { resolve, runtime })
}
