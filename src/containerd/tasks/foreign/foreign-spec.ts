import { readFileSync, realpathSync } from 'node:fs'
import type { OciMount, OciSpec } from '../../../runc/spec.ts'

/**
 * What another runtime may be given: the same container, without what is newer than the runtimes of the distributions where
 * it makes no difference.
 * - A time namespace without offsets shows the host's time (runc 1.1 knows none).
 * - "rro" says no more than "ro" where nothing is mounted below the source (runsc does not know it, crun 1.8 fails for files).
 */
export function foreignSpec(spec: OciSpec, mountpoints: () => string[] = readMountpoints): OciSpec {
  const { linux, mounts } = spec
  const namespaces = linux?.timeOffsets === undefined ? linux?.namespaces?.filter(({ type, path }) => type !== 'time' || path !== undefined) : linux.namespaces
  let known: string[] | undefined
  return {
    ...spec,
    ...(linux && { linux: { ...linux, namespaces } }),
    ...(mounts && { mounts: mounts.map((mount) => (mount.options?.includes('rro') === true ? withPlainReadOnly(mount, (known ??= mountpoints())) : mount)) }),
  }
}

function withPlainReadOnly(mount: OciMount, mountpoints: readonly string[]): OciMount {
  const source = realpathSync(mount.source ?? '/')
  const below = source === '/' ? source : `${source}/`
  if (mountpoints.some((path) => path.startsWith(below) && path !== source)) return mount
  return { ...mount, options: mount.options?.map((option) => (option === 'rro' ? 'ro' : option)) }
}

/** man 5 proc_pid_mountinfo: the fifth field, with octal escapes. */
function readMountpoints(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n')
  return lines.map((line) => (line.split(' ')[4] ?? '').replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
}
