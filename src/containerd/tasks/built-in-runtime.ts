import { freeze, thaw } from '../../kernel/cgroup/freezer.ts'
import { runHooks, tryHooks } from '../../runc/hooks.ts'
import type { OciHooks, OciState } from '../../runc/spec.ts'
import type { Monitor } from '../../shim/monitor.ts'
import { dumpTask } from './checkpoint/dump-task.ts'
import { createExec } from './exec.ts'
import type { TaskSystem } from './service.ts'
import { startError } from './start-error.ts'
import type { TaskState } from './state.ts'
import type { TaskRuntime } from './task-runtime.ts'

interface BuiltInTask {
  system: TaskSystem
  state: TaskState
  directory: string
  monitor: Monitor
  command: string
  /** Those of its specification that run on the host; the others are operations of its program. */
  hooks?: OciHooks
}

/** The runtime that is a library: programs of ours, and the cgroup that they made. */
export function builtInRuntime({ system, state, directory, monitor, command, hooks = {} }: BuiltInTask): TaskRuntime {
  const told = (status: OciState['status'], pid: number): OciState => ({ ociVersion: '1.0.2', id: state.id, status, ...(pid > 0 && { pid }), bundle: state.mountpoint })
  return {
    start: async () => {
      try {
        await runHooks(system.kernel, hooks.prestart, told('created', state.pid))
        await runHooks(system.kernel, hooks.createRuntime, told('created', state.pid))
        await monitor.start()
        await tryHooks(system.kernel, hooks.poststart, told('running', state.pid))
      } catch (error) {
        throw startError(error, command)
      }
    },
    signal: (signal) => monitor.signal(signal),
    exec: (request) => createExec({ system, state, ...request }),
    pause: () => freeze(system.layout, state.cgroup),
    resume: () => thaw(system.layout, state.cgroup),
    checkpoint: (request) => dumpTask({ system, state, directory, ...request }),
    // The rest is the task's clean-up.
    remove: async () => void (await tryHooks(system.kernel, hooks.poststop, told('stopped', 0))),
  }
}
