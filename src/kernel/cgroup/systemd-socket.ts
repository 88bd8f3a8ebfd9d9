import { existsSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import { hostUser, isRootless } from '../host-user.ts'

/** Where a manager listens. A `bus` has others on it too, and wants to be greeted. */
export interface ManagerSocket {
  path: string
  bus: boolean
}

export interface ManagerHost {
  rootless: boolean
  user: number
  environment: NodeJS.ProcessEnv
  exists: (path: string) => boolean
}

/** Of PID 1 (sd_booted(3)). */
export function runsSystemd(exists: (path: string) => boolean = existsSync): boolean {
  return exists('/run/systemd/system')
}

/** The manager of the system for root, that of the user (systemd --user) for others. @throws GantryError Unavailable */
export function findManager({ rootless, user, environment, exists }: ManagerHost = ownHost()): ManagerSocket {
  if (!runsSystemd(exists)) throw new GantryError('Unavailable', 'systemd not running on this host, cannot use systemd cgroups manager')
  const runtime = environment['XDG_RUNTIME_DIR'] || `/run/user/${user}`
  const candidates = rootless
    ? [{ path: `${runtime}/systemd/private`, bus: false }, ...sessionBus(environment), { path: `${runtime}/bus`, bus: true }]
    : [{ path: '/run/systemd/private', bus: false }, { path: '/run/dbus/system_bus_socket', bus: true }]
  const found = candidates.find(({ path }) => exists(path))
  if (found !== undefined) return found
  const reason = rootless ? `user ${user} has no systemd of his own running (systemd --user); log in, or have it kept by loginctl enable-linger: ` : ''
  throw new GantryError('Unavailable', `cannot manage cgroups with systemd: ${reason}there is no ${candidates.map(({ path }) => path).join(' and no ')}`)
}

/** "unix:path=/run/user/1000/bus,guid=…"; of several the first that is a path. */
function sessionBus({ DBUS_SESSION_BUS_ADDRESS: addresses = '' }: NodeJS.ProcessEnv): ManagerSocket[] {
  const path = /(?:^|;)unix:(?:[^;]*,)?path=([^,;]+)/.exec(addresses)?.[1]
  return path === undefined ? [] : [{ path: decodeURIComponent(path), bus: true }]
}

function ownHost(): ManagerHost {
  return { rootless: isRootless(), user: hostUser(), environment: process.env, exists: existsSync }
}
