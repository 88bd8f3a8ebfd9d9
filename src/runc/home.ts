import type { Kernel } from '../kernel/kernel.ts'
import type { OciProcess } from './spec.ts'
import { resolveUser } from './user.ts'

/** A process without HOME gets that of its user in the root's /etc/passwd, as from runc. */
export function addHome(kernel: Pick<Kernel, 'syscall'>, process: OciProcess, rootfs: string): OciProcess {
  const { env = [], user } = process
  if (typeof user?.uid !== 'number' || env.some((entry) => entry.startsWith('HOME='))) return process
  return { ...process, env: [...env, `HOME=${homeOf(kernel, rootfs, user.uid)}`] }
}

/** A root that is not there fails later, where its name is said. */
function homeOf(kernel: Pick<Kernel, 'syscall'>, rootfs: string, uid: number): string {
  try {
    return resolveUser(kernel, rootfs, String(uid)).home
  } catch {
    return '/'
  }
}
