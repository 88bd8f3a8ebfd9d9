import { freeze, thaw } from '../../kernel/cgroup/freezer.ts'
import type { Monitor } from '../../shim/monitor.ts'
import { createExec } from './exec.ts'
import type { TaskSystem } from './service.ts'
import { startError } from './start-error.ts'
import type { TaskState } from './state.ts'
import type { TaskRuntime } from './task-runtime.ts'

/** The runtime that is a library: programs of ours, and the cgroup that they made. */
export function builtInRuntime({ system, state, monitor, command }: { system: TaskSystem; state: TaskState; monitor: Monitor; command: string }): TaskRuntime {
  return {
    start: async () => {
      try {
        await monitor.start()
      } catch (error) {
        throw startError(error, command)
      }
    },
    signal: (signal) => monitor.signal(signal),
    exec: (request) => createExec({ system, state, ...request }),
    pause: () => freeze(system.layout, state.cgroup),
    resume: () => thaw(system.layout, state.cgroup),
    remove: async () => {}, // the task's clean-up does it all
  }
}
