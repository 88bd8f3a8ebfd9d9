import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeProgram } from '../../../kernel/program-codec.ts'
import { stringifyJson } from '../../../lib/json.ts'
import { openMonitor } from '../../../shim/monitor-client.ts'
import type { ExecProcess } from '../contract.ts'
import { makeDirectory } from '../state.ts'
import { monitoredExec } from '../monitored-exec.ts'
import type { RuntimeExec } from '../task-runtime.ts'
import { markStarted } from '../recover-execs.ts'
import { compileForeign } from './foreign-program.ts'
import { runtimeFiles } from './foreign-runtime.ts'
import { foreignFailure, type ForeignTask } from './foreign-task.ts'

/**
 * A runtime's exec does not wait between making the process and starting it, so the monitor comes first and runs the runtime
 * at `start`; the pid is 0 until then. Leaves nothing when it fails.
 */
export async function createForeignExec({ system, runtime, state, directory, request, forget }: ForeignTask & RuntimeExec): Promise<ExecProcess> {
  const { execId, process, stdin } = request
  const stdio = { terminal: process.terminal === true, stdin }
  const console = stdio.terminal ? ['--console-socket', runtimeFiles.console] : []
  const command = ['exec', '--detach', '--pid-file', runtimeFiles.pid, '--process', runtimeFiles.process, ...console, state.id]
  const programPath = join(directory, 'program')
  const failure = (error: unknown): unknown => foreignFailure(error, { act: 'exec', directory })
  makeDirectory(directory)
  try {
    writeFileSync(join(directory, runtimeFiles.process), stringifyJson(process))
    writeFileSync(programPath, encodeProgram(compileForeign({ runtime, stdio, directory, command, waits: true })))
    const { executed } = await system.kernel.spawnMonitor({ programPath })
    const monitor = await openMonitor({ directory, pid: 0, executed })
    let pid = 0
    return {
      ...monitoredExec(monitor, { directory, forget }),
      execId,
      get pid() {
        return pid
      },
      start: async () => {
        try {
          markStarted(directory)
          await monitor.start()
        } catch (error) {
          throw failure(error)
        }
        pid = Number.parseInt(readFileSync(join(directory, runtimeFiles.pid), 'latin1'), 10)
      },
    }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw failure(error)
  }
}
