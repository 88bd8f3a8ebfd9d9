import { fstatSync, statSync } from 'node:fs'
import { firstClosed, hasLauncher } from '../kernel/launcher.ts'
import { GantryError } from '../lib/errors.ts'
import { flag, isSet, type Arguments, type FlagTable } from './arguments.ts'
import type { DetachedPlan } from './detached-side.ts'
import { listenDescriptors } from './listen-descriptors.ts'

/** Flags of commands that make a process: how it is tied to the caller. */
export const callerFlags: FlagTable = {
  'pid-file': { value: true },
  'console-socket': { value: true },
  'pidfd-socket': { value: true },
  'preserve-fds': { value: true },
}

export interface Tie {
  terminal: boolean
  /** The command comes back while the process goes on. */
  detach: boolean
  /** The process waits for `start`. */
  waits: boolean
}

/** @throws GantryError InvalidParameter for a terminal that nobody would hold, or a socket that nobody uses */
export function planOf(args: Arguments, { terminal, detach, waits }: Tie): DetachedPlan {
  const consoleSocket = flag(args, 'console-socket') || undefined
  const pidfdSocket = flag(args, 'pidfd-socket') || undefined
  if (terminal && detach && consoleSocket === undefined) throw new GantryError('InvalidParameter', 'cannot allocate tty if gantry-runc will detach without setting console socket')
  if (consoleSocket !== undefined && !(terminal && detach)) throw new GantryError('InvalidParameter', 'cannot use console socket if gantry-runc will not detach or allocate tty')
  return {
    preserved: preservedOf(args),
    nullDescriptors: [0, 1, 2].filter(isNullDevice),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    stays: !detach,
    waits,
    keepsKeyring: isSet(args, 'no-new-keyring'),
    ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
    ...(isSet(args, 'no-pivot') ? { noPivot: true } : {}),
  }
}

/** --preserve-fds, and the descriptors that systemd's socket activation hands over (man 3 sd_listen_fds). */
function preservedOf(args: Arguments): number {
  const asked = Number(flag(args, 'preserve-fds') ?? 0)
  if (!Number.isInteger(asked) || asked < 0) throw new GantryError('InvalidParameter', `invalid value "${flag(args, 'preserve-fds')}" for flag -preserve-fds`)
  const count = asked + listenDescriptors()
  const closed = count === 0 ? undefined : closedBelow(3 + count)
  if (closed !== undefined) throw new GantryError('InvalidParameter', `cannot preserve descriptor ${closed} (of ${count}): it is not open`)
  return count
}

function closedBelow(end: number): number | undefined {
  if (hasLauncher()) return firstClosed(end)
  for (let descriptor = 3; descriptor < end; descriptor++) if (!isOpen(descriptor)) return descriptor
  return undefined
}

function isOpen(descriptor: number): boolean {
  try {
    fstatSync(descriptor)
    return true
  } catch {
    return false
  }
}

function isNullDevice(descriptor: number): boolean {
  const device = fstatSync(descriptor)
  return device.isCharacterDevice() && device.rdev === statSync('/dev/null').rdev
}
