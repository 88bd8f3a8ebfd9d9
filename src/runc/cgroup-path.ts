import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { isRootless } from '../kernel/host-user.ts'
import { GantryError } from '../lib/errors.ts'
import type { OciSpec } from './spec.ts'

/**
 * Where the cgroup of a container is, the same in every tree: what `linux.cgroupsPath` says. Without that, and for a relative path,
 * it is below /gantry-runc; for an ordinary user beside the cgroup that he is in, as what is handed over to him is there if anywhere.
 */
export function cgroupOf(spec: OciSpec, id: string, top: string = isRootless() ? posix.dirname(ownCgroup()) : '/'): string {
  const path = spec.linux?.cgroupsPath
  if (path === undefined || path === '') return posix.join(top, 'gantry-runc', id)
  if (/^[^/]*:[^/]*:[^/]*$/.test(path)) throw new GantryError('InvalidParameter', `cannot use linux.cgroupsPath ${JSON.stringify(path)}: it names a unit of systemd, for which there is --systemd-cgroup`)
  return path.startsWith('/') ? path : posix.join(top, 'gantry-runc', path)
}

/** This process's place in the v2 tree; "/" where there is none. */
export function ownCgroup(): string {
  return /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'latin1'))?.[1] ?? '/'
}
