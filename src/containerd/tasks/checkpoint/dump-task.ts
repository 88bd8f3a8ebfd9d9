import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { findCriu } from '../../../kernel/criu/worker.ts'
import { GantryError, messageOf } from '../../../lib/errors.ts'
import { readSpec } from '../bundle.ts'
import type { CheckpointTask } from '../contract.ts'
import { runForeign } from '../foreign/foreign-runtime.ts'
import type { TaskSystem } from '../service.ts'
import type { TaskState } from '../state.ts'
import { introduceTask, ownRuntime, withoutFrame } from './own-runtime.ts'

interface DumpTask extends CheckpointTask {
  system: TaskSystem
  state: TaskState
  /** The task's; criu's log is there. */
  directory: string
}

/** Has gantry-runc write a task of the built-in runtime into images. When that fails the task goes on. */
export async function dumpTask({ system, state, directory, images, leaveRunning }: DumpTask): Promise<void> {
  requireCriu()
  const spec = readSpec(directory)
  if (spec === undefined) throw new GantryError('System', `cannot checkpoint container ${state.id}: its specification is gone`)
  if (spec.linux?.namespaces?.some(({ type }) => type === 'user')) throw new GantryError('NotImplemented', 'not implemented yet: checkpoints of containers with a user namespace')
  const runtime = ownRuntime(directory, state.unit !== undefined)
  introduceTask({ directory, state, spec })
  const command = ['checkpoint', '--image-path', images, '--work-path', directory, ...(leaveRunning ? ['--leave-running'] : []), state.id]
  try {
    await runForeign({ kernel: system.kernel, runtime, directory, command })
  } catch (error) {
    throw new GantryError('System', withoutFrame(messageOf(error), { act: 'checkpoint', id: state.id }), { cause: error })
  } finally {
    rmSync(join(runtime.root, state.id), { recursive: true, force: true })
  }
}

/** @throws GantryError NotImplemented: this host has no criu */
export function requireCriu(): void {
  try {
    findCriu('checkpoint')
  } catch (cause) {
    throw new GantryError('NotImplemented', 'criu is not installed', { cause })
  }
}
