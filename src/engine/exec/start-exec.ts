import type { ExecProcess } from '../../containerd/tasks/contract.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import { parseDetachKeys } from '../attach/detach-keys.ts'
import { SessionStream } from '../attach/session-stream.ts'
import { stdcopyFrame } from '../attach/stdcopy.ts'
import { emitContainerEvent } from '../containers/container-events.ts'
import type { ContainersContext } from '../containers/context.ts'
import { notRunning } from '../containers/joined.ts'
import { execFailure } from '../containers/start-failure.ts'
import type { AttachSession, ExecConfig } from '../engine.ts'
import type { ExecRecord } from './exec-record.ts'

export interface StartExec {
  detach: boolean
  tty: boolean
  size?: { width: number; height: number }
  /** Called when the process is gone. */
  ended: () => void
}

/** Exit code of a process that went with its container. */
const killed = 137

/**
 * Starts an exec. A command that cannot be executed leaves its exit code behind; a detached start then throws, an
 * attached one says why on the session's output, as Docker does.
 */
export async function startExec(ctx: ContainersContext, record: ExecRecord, options: StartExec): Promise<AttachSession | undefined> {
  const { config } = record
  const tty = config.Tty ?? false
  const stdin = !options.detach && (config.AttachStdin ?? false)
  const session = options.detach ? undefined : openSession(ctx, record, stdin)
  record.status = 'running'
  try {
    if (config.WorkingDir && !config.WorkingDir.startsWith('/')) throw relativeDirectory()
    const process = await createProcess(ctx, record, { ...options, stdin })
    record.process = process
    record.pid = process.pid
    // A process that cannot be executed ends its stream before it is known why.
    session?.stream.hold()
    await session?.connectTo(process)
    await process.start()
    record.pid = process.pid
    session?.stream.release()
    emitContainerEvent(ctx, record.container, `exec_start: ${(config.Cmd ?? []).join(' ')}`, { execID: record.id })
    void watch(ctx, record, { process, ended: options.ended })
  } catch (error) {
    const failure = execFailure(error)
    await forget(ctx, record.process)
    Object.assign(record, { status: 'exited', exitCode: failure.exitCode, process: undefined, pid: 0 })
    options.ended()
    if (session === undefined) throw failure
    const text = Buffer.from(`${failure.message}\r\n`)
    session.stream.push(tty ? text : stdcopyFrame('stdout', text))
    session.stream.finish()
    session.stream.release()
  }
  return session === undefined ? undefined : { tty, stream: session.stream }
}

/** Told as late as Docker does, whose runtime is the one that refuses it. */
function relativeDirectory(): GantryError {
  return new GantryError('InvalidParameter', 'OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown', { exitCode: 126 })
}

function openSession(ctx: ContainersContext, { id, container, config }: ExecRecord, stdin: boolean): { stream: SessionStream; connectTo: (process: ExecProcess) => Promise<void> } {
  const stream = new SessionStream({
    stdin,
    detachKeys: config.Tty === true && stdin ? parseDetachKeys(config.DetachKeys) : undefined,
    onDetach: () => emitContainerEvent(ctx, container, 'exec_detach', { execID: id }),
  })
  const connectTo = async (process: ExecProcess): Promise<void> => {
    stream.connect(await process.attach({ stdin, stdout: config.AttachStdout ?? false, stderr: config.AttachStderr ?? false, closeStdin: stdin && config.Tty !== true }))
  }
  return { stream, connectTo }
}

async function createProcess(ctx: ContainersContext, record: ExecRecord, options: StartExec & { stdin: boolean }): Promise<ExecProcess> {
  const { container, config, id } = record
  const { task } = container
  if (task === undefined) throw notRunning(container.id)
  const sized: ExecConfig = options.size === undefined ? config : { ...config, ConsoleSize: [options.size.height, options.size.width] }
  return task.exec({
    execId: id,
    process: ctx.specs.execProcess(container, { exec: sized, rootfs: ctx.snapshotter.mountpoint(container.id) }),
    stdin: options.stdin,
  })
}

async function watch(ctx: ContainersContext, record: ExecRecord, { process, ended }: { process: ExecProcess; ended: () => void }): Promise<void> {
  let code = killed
  try {
    code = (await process.wait()).code
  } catch (error) {
    ctx.log(`cannot wait for exec ${record.id}: ${messageOf(error)}`)
  }
  Object.assign(record, { status: 'exited', exitCode: code, process: undefined })
  emitContainerEvent(ctx, record.container, 'exec_die', { execID: record.id, exitCode: String(code) })
  ended()
  await forget(ctx, process)
}

async function forget(ctx: ContainersContext, process: ExecProcess | undefined): Promise<void> {
  try {
    await process?.delete()
  } catch (error) {
    ctx.log(`cannot remove an exec: ${messageOf(error)}`)
  }
}
