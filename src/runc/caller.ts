import { fstatSync, statSync } from 'node:fs'
import { GantryError } from '../lib/errors.ts'
import { flag, isSet, type Arguments, type FlagTable } from './arguments.ts'
import type { DetachedPlan } from './detached-side.ts'

/** Flags of commands that make a process: how it is tied to the caller. */
export const callerFlags: FlagTable = {
  'pid-file': { value: true },
  'console-socket': { value: true },
  'pidfd-socket': { value: true, missing: true },
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
  if (terminal && detach && consoleSocket === undefined) throw new GantryError('InvalidParameter', 'cannot allocate tty if gantry-runc will detach without setting console socket')
  if (consoleSocket !== undefined && !(terminal && detach)) throw new GantryError('InvalidParameter', 'cannot use console socket if gantry-runc will not detach or allocate tty')
  return {
    preserved: preservedOf(args),
    nullDescriptors: [0, 1, 2].filter(isNullDevice),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
    stays: !detach,
    waits,
    keepsKeyring: isSet(args, 'no-new-keyring'),
  }
}

/** --preserve-fds, and the descriptors that systemd's socket activation hands over (man 3 sd_listen_fds). */
function preservedOf(args: Arguments): number {
  const listening = Number(process.env['LISTEN_FDS'] ?? 0)
  const asked = Number(flag(args, 'preserve-fds') ?? 0)
  if (!Number.isInteger(asked) || asked < 0) throw new GantryError('InvalidParameter', `invalid value "${flag(args, 'preserve-fds')}" for flag -preserve-fds`)
  const count = asked + (Number.isInteger(listening) ? listening : 0)
  for (let descriptor = 3; descriptor < 3 + count; descriptor++) {
    if (!isOpen(descriptor)) throw new GantryError('InvalidParameter', `cannot preserve descriptor ${descriptor} (of ${count}): it is not open`)
  }
  return count
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
