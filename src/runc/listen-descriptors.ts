import { hasLauncher } from '../kernel/launcher.ts'
import type { OciProcess } from './spec.ts'

/** How many descriptors from 3 on systemd's socket activation has handed to this program (man 3 sd_listen_fds). */
export function listenDescriptors(): number {
  const { LISTEN_FDS: count = '', LISTEN_PID: pid = '' } = process.env
  const meant = String(hasLauncher() ? process.ppid : process.pid)
  return /^\d{1,6}$/.test(count) && (pid === '' || pid === meant) ? Number(count) : 0
}

/** The process gets them as if they had been handed to it: it is the first of its pid namespace. */
export function withListenDescriptors(target: OciProcess): OciProcess {
  const count = listenDescriptors()
  return count === 0 ? target : { ...target, env: [...(target.env ?? []), `LISTEN_FDS=${count}`, 'LISTEN_PID=1'] }
}
