import type { HostConfig } from '../types/host-config.ts'

/** The engine's --default-shm-size and kin. They hold for what a container that is made leaves open; a reload changes them in place. */
export interface ContainerDefaults {
  /** Bytes. */
  shmSize?: number
  ipcMode?: string
  cgroupnsMode?: 'host' | 'private'
  init?: boolean
  ulimits?: NonNullable<HostConfig['Ulimits']>
}

export function withDefaults(request: HostConfig, { shmSize, ipcMode, cgroupnsMode, init, ulimits = [] }: ContainerDefaults): HostConfig {
  const own = request.Ulimits ?? []
  const added = ulimits.filter(({ Name }) => !own.some((limit) => limit.Name === Name))
  return {
    ...request,
    ShmSize: request.ShmSize || shmSize,
    IpcMode: request.IpcMode || ipcMode,
    CgroupnsMode: request.CgroupnsMode || cgroupnsMode,
    ...(init === true && (request.Init === undefined || request.Init === null) && { Init: true }),
    ...(added.length > 0 && { Ulimits: [...own, ...added] }),
  }
}
