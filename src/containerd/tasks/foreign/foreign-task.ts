import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ProgramFailure } from '../../../kernel/failure.ts'
import { encodeProgram } from '../../../kernel/program-codec.ts'
import { errnoText } from '../../../kernel/errno.ts'
import type { StdioPlan } from '../../../runc/stdio.ts'
import type { Monitor } from '../../../shim/monitor.ts'
import { GantryError } from '../../../lib/errors.ts'
import type { TaskSystem } from '../service.ts'
import type { TaskState } from '../state.ts'
import type { TaskRuntime } from '../task-runtime.ts'
import { createForeignExec } from './foreign-exec.ts'
import { compileForeign, runtimeFailed } from './foreign-program.ts'
import { runForeign, runtimeFiles, type ForeignRuntime } from './foreign-runtime.ts'
import { runtimeFailure } from './runtime-failure.ts'

const SIGKILL = 9

export interface ForeignTask {
  system: TaskSystem
  runtime: ForeignRuntime
  state: TaskState
  directory: string
}

/** Has the runtime create the container in the bundle `directory`. @returns the program's path */
export function writeForeignProgram({ runtime, directory, state }: ForeignTask, stdio: StdioPlan): string {
  mkdirSync(runtime.root, { recursive: true, mode: 0o711 })
  const console = stdio.terminal ? ['--console-socket', runtimeFiles.console] : []
  const command = ['create', '--bundle', directory, '--pid-file', runtimeFiles.pid, ...console, state.id]
  const programPath = join(directory, 'program')
  writeFileSync(programPath, encodeProgram(compileForeign({ runtime, stdio, directory, command, waits: false })))
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
  return {
    start: async () => void (await run('start', state.id)),
    // The kernel's way needs no runtime, and no other answer can come.
    signal: async (signal) => {
      if (signal === SIGKILL) await monitor?.signal(signal)
      else await run('kill', state.id, String(signal))
    },
    exec: (request) => createForeignExec({ ...task, ...request }),
    pause: async () => void (await run('pause', state.id)),
    resume: async () => void (await run('resume', state.id)),
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

async function isKnown({ system, runtime, state, directory }: ForeignTask): Promise<boolean> {
  return runForeign({ kernel: system.kernel, runtime, directory, command: ['state', state.id] }).then(
    () => true,
    () => false,
  )
}
