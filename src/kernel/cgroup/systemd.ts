import type { SystemdManager } from './systemd-manager.ts'

/** Opens the manager for one piece of work. It is loaded then: most commands never need it. */
export async function withSystemd<T>(work: (manager: SystemdManager) => Promise<T>): Promise<T> {
  const { SystemdManager } = await import('./systemd-manager.ts')
  const manager = await SystemdManager.open()
  try {
    return await work(manager)
  } finally {
    manager.close()
  }
}
