import type { HostConfig } from '../types/host-config.ts'

/** What a container must not read: host-wide facts, keys and side channels that no namespace covers. */
const masked: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
]

/** What a container must not change: settings of the whole machine. */
const readonly: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

export interface ProtectedPaths {
  maskedPaths: string[]
  readonlyPaths: string[]
}

/**
 * Masked and read-only paths. A privileged container and `systempaths=unconfined` have none; a client may send lists
 * of its own (the docker client sends empty ones for systempaths=unconfined).
 */
export function protectedPaths(hostConfig: HostConfig, hostMasked: readonly string[] = []): ProtectedPaths {
  if (hostConfig.Privileged || hostConfig.SecurityOpt?.includes('systempaths=unconfined')) {
    return { maskedPaths: [], readonlyPaths: [] }
  }
  return {
    maskedPaths: hostConfig.MaskedPaths ?? [...masked, ...hostMasked],
    readonlyPaths: hostConfig.ReadonlyPaths ?? [...readonly],
  }
}
