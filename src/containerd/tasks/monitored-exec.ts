import { rmSync } from 'node:fs'
import type { Monitor } from '../../shim/monitor.ts'
import type { ExecProcess } from './contract.ts'

const SIGKILL = 9

/** What an exec has from its monitor, whichever runtime made it; the start and the pid are the runtime's. */
export function monitoredExec(monitor: Monitor, { directory, forget }: { directory: string; forget: () => void }): Omit<ExecProcess, 'execId' | 'pid' | 'start'> {
  return {
    attach: (options) => monitor.attach(options),
    signal: (signal) => monitor.signal(signal),
    resize: (size) => monitor.resize(size),
    wait: () => monitor.wait(),
    delete: async () => {
      await monitor.signal(SIGKILL).catch(() => {}) // gone already
      await monitor.wait()
      monitor.close()
      rmSync(directory, { recursive: true, force: true })
      forget()
    },
  }
}
