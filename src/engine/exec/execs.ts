import { randomBytes } from 'node:crypto'
import { GantryError } from '../../lib/errors.ts'
import { parseDetachKeys } from '../attach/detach-keys.ts'
import { emitContainerEvent } from '../containers/container-events.ts'
import type { Container } from '../containers/container.ts'
import type { ContainerExecs, ContainersContext } from '../containers/context.ts'
import { isRestarting, notRunning } from '../containers/joined.ts'
import type { ExecConfig, Execs } from '../engine.ts'
import { inspectExec } from './exec-record.ts'
import type { ExecRecord } from './exec-record.ts'
import { spokenSession } from './spoken-session.ts'
import { startExec } from './start-exec.ts'

/** Finished execs of a container that can still be inspected; the oldest go first. */
const keptFinished = 256

/** `context` is asked for late: containers and execs know each other. */
export function createExecs(context: () => ContainersContext): { api: Execs; ofContainers: ContainerExecs } {
  const records = new Map<string, ExecRecord>()
  const of = (containerId: string): ExecRecord[] => [...records.values()].filter(({ container }) => container.id === containerId)
  const get = (id: string): ExecRecord => {
    const record = records.get(id)
    if (record === undefined) throw new GantryError('NotFound', `No such exec instance: ${id}`)
    return record
  }
  const forgetOldest = (containerId: string): void => {
    const finished = of(containerId).filter(({ status }) => status === 'exited')
    for (const { id } of finished.slice(0, Math.max(0, finished.length - keptFinished))) records.delete(id)
  }
  const api: Execs = {
    create: async (containerRef, config) => {
      const ctx = context()
      const container = ctx.registry.get(containerRef)
      assertCanExec(container, containerRef)
      checkExec(config)
      const id = randomBytes(32).toString('hex')
      records.set(id, { id, container, config, status: 'created', exitCode: null, pid: 0, process: undefined })
      emitContainerEvent(ctx, container, `exec_create: ${(config.Cmd ?? []).join(' ')}`, { execID: id })
      return { Id: id }
    },
    start: async (execId, options) => {
      const record = get(execId)
      assertCanExec(record.container, record.container.id)
      if (record.status !== 'created') {
        const refusal = `Error: Exec command ${execId} ${record.status === 'exited' ? 'has already run' : 'is already running'}`
        if (options.detach) throw new GantryError('Conflict', refusal)
        return spokenSession(refusal, options.tty)
      }
      return startExec(context(), record, { ...options, ended: () => forgetOldest(record.container.id) })
    },
    resize: async (execId, size) => {
      const { process, status } = get(execId)
      if (process === undefined || status !== 'running') throw new GantryError('Conflict', `cannot resize exec ${execId}: it is not running`)
      await process.resize(size)
    },
    inspect: async (execId) => inspectExec(get(execId)),
  }
  return {
    api,
    ofContainers: {
      idsOf: containerId => of(containerId).filter(({ status }) => status !== 'exited').map(({ id }) => id),
      containerExited: containerId => {
        for (const { id, status } of of(containerId)) if (status === 'created') records.delete(id)
      },
      containerRemoved: containerId => {
        for (const { id } of of(containerId)) records.delete(id)
      },
    },
  }
}

function assertCanExec(container: Container, ref: string): void {
  const { state, task } = container
  if (state.Restarting) throw isRestarting(container.id)
  if (!state.Running || task === undefined) throw notRunning(container.id)
  if (state.Paused) throw new GantryError('Conflict', `Container ${ref} is paused, unpause the container before exec`)
}

function checkExec(config: ExecConfig): void {
  if ((config.Cmd?.length ?? 0) === 0) throw new GantryError('InvalidParameter', 'No exec command specified')
  try {
    parseDetachKeys(config.DetachKeys)
  } catch (cause) {
    throw new GantryError('InvalidParameter', `Invalid escape keys (${config.DetachKeys ?? ''}) provided`, { cause })
  }
}
