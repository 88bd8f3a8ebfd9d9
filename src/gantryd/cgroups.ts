import { existsSync } from 'node:fs'
import type { CgroupDriver } from '../engine/spec/input.ts'
import { checkCgroupParent } from '../engine/spec/validate/cgroup-parent.ts'
import { runsSystemd } from '../kernel/cgroup/systemd-socket.ts'
import { GantryError } from '../lib/errors.ts'
import type { FlagValues } from './command-line.ts'

export interface CgroupConfig {
  driver: CgroupDriver
  /** Of containers that name none; undefined: the driver's own. */
  parent?: string
}

/** What decides the driver where nobody asks for one. */
export interface CgroupHost {
  /** PID 1 is systemd. */
  systemd: boolean
  /** One cgroup v2 tree and no other. */
  unified: boolean
}

/**
 * --exec-opt native.cgroupdriver=systemd|cgroupfs and --cgroup-parent. The driver is systemd's, as with dockerd, where systemd runs the
 * host and there is only cgroup v2; else cgroupfs.
 * @throws InvalidParameter; Unavailable for systemd where it does not run
 */
export function resolveCgroups(values: FlagValues, host: CgroupHost = ownHost()): CgroupConfig {
  const driver = driverOf((values.get('exec-opt') as string[] | undefined) ?? []) ?? (host.systemd && host.unified ? 'systemd' : 'cgroupfs')
  if (driver === 'systemd' && !host.systemd) throw new GantryError('Unavailable', 'cannot use native.cgroupdriver=systemd: systemd not running on this host')
  const parent = (values.get('cgroup-parent') as string | undefined) || undefined
  checkCgroupParent(parent, driver)
  return { driver, ...(parent && { parent }) }
}

function driverOf(options: readonly string[]): CgroupDriver | undefined {
  let driver: CgroupDriver | undefined
  for (const option of options) {
    const [, name, value] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/.exec(option) ?? []
    if (name === undefined || value === undefined) throw invalid(`unable to parse key/value option: ${option}`)
    if (name.toLowerCase() !== 'native.cgroupdriver') throw invalid(`cannot use exec-opt ${name}: native.cgroupdriver is known`)
    if (value === 'none') throw invalid(`native.cgroupdriver option ${value} is internally used and cannot be specified manually`)
    if (value !== '' && value !== 'cgroupfs' && value !== 'systemd') throw invalid(`native.cgroupdriver option ${value} not supported`)
    // The first one counts.
    driver ??= value === '' ? undefined : value
  }
  return driver
}

function ownHost(): CgroupHost {
  return { systemd: runsSystemd(), unified: existsSync('/sys/fs/cgroup/cgroup.controllers') }
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
