import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeProgram } from '../../../kernel/program-codec.ts'
import type { OciSpec } from '../../../runc/spec.ts'
import type { StdioPlan } from '../../../runc/stdio.ts'
import type { Monitor } from '../../../shim/monitor.ts'
import { GantryError, messageOf } from '../../../lib/errors.ts'
import { compileForeign } from '../foreign/foreign-program.ts'
import { runtimeFiles } from '../foreign/foreign-runtime.ts'
import { foreignFailure } from '../foreign/foreign-task.ts'
import { startTimeOf, writeState, type TaskState } from '../state.ts'
import type { TaskRuntime } from '../task-runtime.ts'
import { ownRuntime, ownsNetwork, withoutFrame } from './own-runtime.ts'

export interface RestoreProgram {
  directory: string
  state: TaskState
  /** Of the bundle, whose network namespace is that of whoever reads it. */
  spec: OciSpec
  stdio: StdioPlan
  /** Of the checkpoint. */
  images: string
  watched?: string
}

/** @returns path of the program that waits as the monitor, in the container's network namespace, until it is told to restore */
export function writeRestoreProgram({ directory, state, spec, stdio, images, watched }: RestoreProgram): string {
  const runtime = ownRuntime(directory, state.unit !== undefined)
  mkdirSync(runtime.root, { recursive: true, mode: 0o700 })
  const console = stdio.terminal ? ['--console-socket', runtimeFiles.console] : []
  const command = ['restore', '--detach', '--bundle', directory, '--image-path', images, '--work-path', directory, '--pid-file', runtimeFiles.pid, ...console, state.id]
  const programPath = join(directory, 'program')
  const network = ownsNetwork(spec) ? { sysctls: networkSysctls(spec) } : undefined
  writeFileSync(programPath, encodeProgram(compileForeign({ runtime, stdio, directory, command, waits: true, watched, network })))
  return programPath
}

/** What the built-in runtime does with a task that comes out of a checkpoint: only its start is another. */
export function restoredRuntime(builtIn: TaskRuntime, { directory, state, monitor }: { directory: string; state: TaskState; monitor: Monitor }): TaskRuntime {
  return {
    ...builtIn,
    start: async () => {
      try {
        await monitor.start()
      } catch (error) {
        throw restoreFailure(error, directory, state.id)
      }
      settleRestored(directory, state)
    },
  }
}

/** From now on it is a task like any other. */
export function settleRestored(directory: string, state: TaskState): void {
  const pid = pidIn(directory, runtimeFiles.pid)
  if (pid === undefined) return
  state.pid = pid
  state.startTime = startTimeOf(pid) ?? ''
  delete state.restoring
  writeState(directory, state)
}

/** Who lives in its network namespace before it does: the monitor. */
export function namespaceHolder(directory: string): number {
  return pidIn(directory, runtimeFiles.holder) ?? 0
}

function pidIn(directory: string, name: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(join(directory, name), 'latin1'), 10)
    return Number.isInteger(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

function networkSysctls({ linux }: OciSpec): Record<string, string> {
  return Object.fromEntries(Object.entries(linux?.sysctl ?? {}).filter(([key]) => /^net[./]/.test(key)))
}

function restoreFailure(error: unknown, directory: string, id: string): GantryError {
  const failure = foreignFailure(error, { act: 'restore', directory })
  return new GantryError('System', `cannot restore from the checkpoint: ${withoutFrame(messageOf(failure), { act: 'restore', id })}`, { cause: error })
}
