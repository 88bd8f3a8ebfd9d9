import { randomBytes } from 'node:crypto'
import { finished } from 'node:stream/promises'
import { goDuration } from '../../build/plan/history-text.ts'
import type { ExecProcess } from '../../containerd/tasks/contract.ts'
import { messageOf } from '../../lib/errors.ts'
import { emitContainerEvent } from '../containers/container-events.ts'
import type { Container } from '../containers/container.ts'
import type { ContainersContext } from '../containers/context.ts'
import { execFailure } from '../containers/start-failure.ts'
import { now } from '../containers/timestamp.ts'
import { probeTimeout } from './health-config.ts'
import type { ProbeResult } from './health-state.ts'
import { ProbeOutput } from './probe-output.ts'

/** Runs a probe in a running container. Never fails: what goes wrong is the result. Aborted, it is killed. */
export async function runProbe(ctx: ContainersContext, container: Container, { command, signal }: { command: string[]; signal: AbortSignal }): Promise<ProbeResult> {
  const Start = now()
  const output = new ProbeOutput()
  const failed = (Output: string): ProbeResult => ({ Start, End: now(), ExitCode: -1, Output })
  try {
    const code = await runToEnd(ctx, container, { command, signal, output })
    if (code !== undefined) return { Start, End: now(), ExitCode: code, Output: output.text }
    const said = output.text
    return failed(`Health check exceeded timeout (${goDuration(probeTimeout(container.config.Healthcheck ?? {}) * 1e6)})${said === '' ? '' : `: ${said}`}`)
  } catch (error) {
    return failed(execFailure(error).message)
  }
}

interface Probe {
  command: string[]
  signal: AbortSignal
  output: ProbeOutput
}

/** @returns the exit code; undefined when it took too long */
async function runToEnd(ctx: ContainersContext, container: Container, { command, signal, output }: Probe): Promise<number | undefined> {
  const execId = randomBytes(32).toString('hex')
  const tell = (action: string, extra: Record<string, string> = {}): void => emitContainerEvent(ctx, container, action, { execID: execId, ...extra })
  tell(`exec_create: ${command.join(' ')}`)
  const process = await createProcess(ctx, container, { command, execId })
  let exitCode: number | undefined
  try {
    const stream = await process.attach({ stdin: false, stdout: true, stderr: true, closeStdin: false })
    stream.on('data', (chunk: Buffer) => output.write(chunk))
    const drained = finished(stream, { writable: false }).catch(() => {})
    await process.start()
    tell(`exec_start: ${command.join(' ')}`)
    exitCode = await exitWithin(process, { milliseconds: probeTimeout(container.config.Healthcheck ?? {}), signal })
    if (exitCode !== undefined) await drained
    stream.destroy()
    return exitCode
  } finally {
    await forget(ctx, process)
    tell('exec_die', { exitCode: String(exitCode ?? 137) })
  }
}

function createProcess(ctx: ContainersContext, container: Container, { command, execId }: { command: string[]; execId: string }): Promise<ExecProcess> {
  const { task } = container
  if (task === undefined) throw new Error(`container ${container.id} is not running`)
  const process = ctx.specs.execProcess(container, { exec: { Cmd: command, AttachStdout: true, AttachStderr: true }, rootfs: ctx.snapshotter.mountpoint(container.id) })
  return task.exec({ execId, process, stdin: false })
}

async function exitWithin(process: ExecProcess, { milliseconds, signal }: { milliseconds: number; signal: AbortSignal }): Promise<number | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const giveUp = (): void => resolve(undefined)
  const timer = setTimeout(giveUp, milliseconds)
  signal.addEventListener('abort', giveUp, { once: true })
  if (signal.aborted) giveUp()
  try {
    return (await Promise.race([process.wait(), late]))?.code
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

/** Kills it when it still runs. */
async function forget(ctx: ContainersContext, process: ExecProcess): Promise<void> {
  try {
    await process.delete()
  } catch (error) {
    ctx.log(`cannot remove a health check: ${messageOf(error)}`)
  }
}
