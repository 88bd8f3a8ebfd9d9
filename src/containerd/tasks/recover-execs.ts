import { readdirSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { openMonitor, readExit } from '../../shim/monitor-client.ts'

const SIGKILL = 9
const mark = 'started'

/** Where a task's further processes live, below its own directory. */
export function execDirectory(task: string, execId: string): string {
  return join(task, 'exec', execId)
}

/** On disk before the process goes on to its command. */
export function markStarted(directory: string): void {
  writeFileSync(join(directory, mark), '')
}

/**
 * Further processes that an earlier engine left in a task: nobody can name them any more. One that waits for its start would do so
 * for ever and is killed; one that runs does so to its end; then its directory goes.
 */
export async function recoverExecs(task: string): Promise<void> {
  for (const execId of entries(join(task, 'exec'))) {
    const directory = execDirectory(task, execId)
    const remove = (): void => rmSync(directory, { recursive: true, force: true })
    if (readExit(directory) !== undefined) {
      remove()
      continue
    }
    const monitor = await openMonitor({ directory, pid: 0 })
    if (!existsSync(join(directory, mark))) await monitor.signal(SIGKILL).catch(() => {}) // gone already
    void monitor.wait().then(() => {
      monitor.close()
      remove()
    })
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return []
  }
}
