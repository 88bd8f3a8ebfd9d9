import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeProgram } from '../../kernel/program-codec.ts'
import { GantryError } from '../../lib/errors.ts'
import { compileExec } from '../../runc/compile-exec.ts'
import { openMonitor } from '../../shim/monitor-client.ts'
import { readSpec } from './bundle.ts'
import type { ExecProcess } from './contract.ts'
import { monitoredExec } from './monitored-exec.ts'
import { markStarted } from './recover-execs.ts'
import type { TaskSystem } from './service.ts'
import type { RuntimeExec } from './task-runtime.ts'
import { startError } from './start-error.ts'
import { makeDirectory } from './state.ts'
import type { TaskState } from './state.ts'

export interface CreateExec extends RuntimeExec {
  system: TaskSystem
  state: TaskState
}

/** Makes the process up to the point where it waits for `start`. Leaves nothing when it fails. */
export async function createExec({ system, state, directory, request, forget }: CreateExec): Promise<ExecProcess> {
  const { execId, process, stdin } = request
  makeDirectory(directory)
  const command = process.args[0] ?? ''
  try {
    const program = compileExec({ pid: state.pid, process, seccomp: readSpec(join(directory, '..', '..'))?.linux?.seccomp, cgroupPath: state.cgroup, layout: system.layout, directory, stdio: { terminal: process.terminal === true, stdin } })
    const programPath = join(directory, 'program')
    writeFileSync(programPath, encodeProgram(program))
    const { pid, executed } = await system.kernel.spawnMonitor({ programPath })
    const monitor = await openMonitor({ directory, pid, executed })
    return {
      ...monitoredExec(monitor, { directory, forget }),
      execId,
      pid,
      start: async () => {
        try {
          markStarted(directory)
          await monitor.start()
        } catch (error) {
          throw startError(error, command)
        }
      },
    }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    if (error instanceof GantryError) throw error
    throw startError(error, command)
  }
}
