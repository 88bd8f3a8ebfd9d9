import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isFrozen } from '../../kernel/cgroup/freezer.ts'
import { openMonitor, readExit } from '../../shim/monitor-client.ts'
import { builtInRuntime } from './built-in-runtime.ts'
import { readSpec } from './bundle.ts'
import { settleRestored } from './checkpoint/restored-runtime.ts'
import type { Task } from './contract.ts'
import { openForeignRuntime } from './foreign/foreign-runtime.ts'
import { foreignTaskRuntime, isPaused } from './foreign/foreign-task.ts'
import { recoverExecs } from './recover-execs.ts'
import type { TaskSystem } from './service.ts'
import { readState, startTimeOf } from './state.ts'
import type { TaskState } from './state.ts'
import { MonitoredTask, cleanUp } from './task.ts'

const SIGKILL = 9

/**
 * A task as an earlier process left it in `directory`: running, ended meanwhile with its exit status kept, or created. One whose
 * creation was cut off is taken away. The built-in one is started if it was meant to be and not told.
 */
export async function recoverTask(system: TaskSystem, directory: string): Promise<Task | undefined> {
  const state = readState(directory)
  const monitor = await openMonitor({ directory, pid: state?.pid ?? 0 })
  const foreign = state?.runtime && { system, state, directory, runtime: await openForeignRuntime({ ...system, systemd: state.unit !== undefined, choice: state.runtime, spec: readSpec(directory) }) }
  if (state === undefined || (!state.started && (foreign !== undefined || state.restoring || state.pid === 0))) {
    await monitor.signal(SIGKILL).catch(() => {}) // gone already
    await monitor.wait()
    await cleanUp({ system, state: state ?? nothing(directory), directory, runtime: foreign && foreignTaskRuntime(foreign, monitor) })
    return undefined
  }
  if (state.restoring) {
    // It answers when the restore is through, or ends with it.
    await monitor.start().catch(() => {})
    settleRestored(directory, state)
  }
  if (readExit(directory) === undefined) await endStray(state)
  // It may have been killed between the record of the start and the start. A process that runs takes no notice.
  if (state.started && foreign === undefined) await monitor.start().catch(() => {}) // gone meanwhile
  await recoverExecs(directory)
  const spec = readSpec(directory)
  const command = spec?.process?.args[0] ?? ''
  return new MonitoredTask({
    system, directory, state, monitor,
    runtime: foreign === undefined ? builtInRuntime({ system, state, directory, monitor, command, hooks: spec?.hooks }) : foreignTaskRuntime(foreign, monitor),
    paused: foreign === undefined ? stands(system, state) : readExit(directory) === undefined && (await isPaused(foreign)),
  })
}

/** Not, when it has ended meanwhile and systemd has taken its cgroup away. */
function stands({ layout }: TaskSystem, { cgroup }: TaskState): boolean {
  try {
    return isFrozen(layout, cgroup)
  } catch {
    return false
  }
}

/** A container whose monitor was killed has lost its parent, not its life: it goes too, as its output has no reader. */
async function endStray(state: TaskState): Promise<void> {
  const { pid, startTime } = state
  if (startTimeOf(pid) !== startTime) return
  const parent = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[1]
  if (parent === '1') process.kill(pid, 'SIGKILL')
}

/** Before its first state was written a task has no cgroup and no process, at most a mount that the engine's sweep finds. */
function nothing(directory: string): TaskState {
  return { id: '', pid: 0, startTime: '', mountpoint: join(directory, 'rootfs'), cgroup: '/docker/none', started: false }
}
