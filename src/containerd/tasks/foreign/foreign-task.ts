import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { thaw } from '../../../kernel/cgroup/freezer.ts'
import { KernelError, ProgramFailure } from '../../../kernel/failure.ts'
import { encodeProgram } from '../../../kernel/program-codec.ts'
import { errnoText } from '../../../kernel/errno.ts'
import type { StdioPlan } from '../../../runc/stdio.ts'
import type { Monitor } from '../../../shim/monitor.ts'
import { GantryError } from '../../../lib/errors.ts'
import type { TaskSystem } from '../service.ts'
import { startTimeOf, type TaskState } from '../state.ts'
import type { TaskRuntime } from '../task-runtime.ts'
import { createForeignExec } from './foreign-exec.ts'
import { compileForeign, runtimeFailed } from './foreign-program.ts'
import { runForeign, runtimeFiles, type ForeignRuntime } from './foreign-runtime.ts'
import { runtimeFailure } from './runtime-failure.ts'

const [SIGKILL, ESRCH] = [9, 3]

export interface ForeignTask {
  system: TaskSystem
  runtime: ForeignRuntime
  state: TaskState
  directory: string
}

/**
 * Has the runtime create the container in the bundle `directory`.
 * @param watched a file of its cgroup, whose last words the monitor keeps
 * @returns the program's path
 */
export function writeForeignProgram({ runtime, directory, state }: ForeignTask, stdio: StdioPlan, watched?: string): string {
  mkdirSync(runtime.root, { recursive: true, mode: 0o711 })
  const console = stdio.terminal ? ['--console-socket', runtimeFiles.console] : []
  const command = ['create', '--bundle', directory, '--pid-file', runtimeFiles.pid, ...console, state.id]
  const programPath = join(directory, 'program')
  writeFileSync(programPath, encodeProgram(compileForeign({ runtime, stdio, directory, command, waits: false, watched })))
  return programPath
}

/** Why such a program failed. */
export function foreignFailure(error: unknown, { act, directory }: { act: string; directory: string }): unknown {
  if (!(error instanceof ProgramFailure)) return error
  if (error.label === runtimeFailed) return runtimeFailure({ act, directory, otherwise: 'the runtime gives no reason', cause: error })
  return new GantryError('System', `OCI runtime ${act} failed: ${error.label}: ${errnoText(error.errno)}: unknown`, { cause: error, exitCode: 128 })
}

/** The container's further life, by the runtime's own commands. */
export function foreignTaskRuntime(task: ForeignTask, monitor: Monitor | undefined): TaskRuntime {
  const { system, runtime, state, directory } = task
  const run = (...command: string[]): Promise<string> => runForeign({ kernel: system.kernel, runtime, directory, command })
  let killed = false
  // A paused process gets its signals when it goes on; runsc would refuse them.
  const pending: number[] = []
  return {
    start: async () => void (await run('start', state.id)),
    signal: async (signal) => {
      if (signal === SIGKILL) {
        // No runtime can answer otherwise than the kernel.
        killed = true
        await monitor?.signal(signal)
        return
      }
      await run('kill', state.id, String(signal)).catch(async (error: unknown) => {
        if (isGone(state)) throw new KernelError(`cannot send signal ${signal}`, ESRCH)
        if (!(await isPaused(task))) throw error
        pending.push(signal)
      })
    },
    exec: (request) => createForeignExec({ ...task, ...request }),
    pause: async () => void (await run('pause', state.id)),
    // runsc's sandbox dies of a SIGKILL while it is paused, the others' containers once they are thawed.
    resume: async () => {
      await run('resume', state.id).catch(async (error: unknown) => {
        if (!killed) throw error
        await thaw(system.layout, state.cgroup)
      })
      for (const signal of pending.splice(0)) await run('kill', state.id, String(signal))
    },
    checkpoint: async () => {
      throw new GantryError('NotImplemented', `not implemented yet: checkpoints of containers with the runtime ${runtime.choice.name}`)
    },
    remove: async () => {
      // With --force it is no error that there is none, but not every runtime knows that.
      await run('delete', '--force', state.id).catch(async (error: unknown) => {
        if (await isKnown(task)) throw error
      })
    },
  }
}

/** Whether the runtime says that the container is paused. */
export async function isPaused({ system, runtime, state, directory }: ForeignTask): Promise<boolean> {
  const text = await runForeign({ kernel: system.kernel, runtime, directory, command: ['state', state.id] }).catch(() => '{}')
  return (JSON.parse(text) as { status?: string }).status === 'paused'
}

/** Reaped, or about to be. */
function isGone({ pid, startTime }: TaskState): boolean {
  return startTimeOf(pid) !== startTime || isZombie(pid)
}

function isZombie(pid: number): boolean {
  try {
    return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return true // reaped meanwhile
  }
}

async function isKnown({ system, runtime, state, directory }: ForeignTask): Promise<boolean> {
  return runForeign({ kernel: system.kernel, runtime, directory, command: ['state', state.id] }).then(
    () => true,
    () => false,
  )
}
