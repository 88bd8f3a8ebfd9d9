import { readFileSync, rmSync } from 'node:fs'
import type { Monitor } from '../../shim/monitor.ts'
import type { ExecProcess } from './contract.ts'

const SIGKILL = 9

/** What an exec has from its monitor, whichever runtime made it; the start and the pid are the runtime's. */
export function monitoredExec(monitor: Monitor, { directory, forget }: { directory: string; forget: () => void }): Omit<ExecProcess, 'execId' | 'pid' | 'start'> {
  let over = false
  monitor.wait().then(
    () => (over = true),
    () => {}, // who waits for it hears of it
  )
  return {
    attach: (options) => monitor.attach(options),
    signal: (signal) => monitor.signal(signal),
    resize: (size) => monitor.resize(size),
    wait: () => monitor.wait(),
    delete: async () => {
      if (!over) killGroup(monitor.pid)
      await monitor.signal(SIGKILL).catch(() => {}) // gone already
      await monitor.wait()
      monitor.close()
      rmSync(directory, { recursive: true, force: true })
      forget()
    },
  }
}

/** A shell that is killed leaves what it waits for: a probe that is late would add one to the container each time. */
function killGroup(pid: number): void {
  try {
    const group = Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[2])
    if (group === pid) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
