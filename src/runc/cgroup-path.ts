import { GantryError } from '../lib/errors.ts'
import type { OciSpec } from './spec.ts'

/** Where the cgroup of a container is, the same in every tree: what `linux.cgroupsPath` says, by default below /gantry-runc. */
export function cgroupOf(spec: OciSpec, id: string): string {
  const path = spec.linux?.cgroupsPath
  if (path === undefined || path === '') return `/gantry-runc/${id}`
  if (/^[^/]*:[^/]*:[^/]*$/.test(path)) throw new GantryError('NotImplemented', `not implemented yet: cgroupsPath of systemd: ${path}`)
  return path.startsWith('/') ? path : `/gantry-runc/${path}`
}
