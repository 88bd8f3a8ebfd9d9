import type { ExecProcess } from '../../containerd/tasks/contract.ts'
import type { Container } from '../containers/container.ts'
import type { ExecConfig, ExecInspect } from '../engine.ts'

/** An exec lives in memory: it does not outlast its container's run by more than the look at its exit code. */
export interface ExecRecord {
  readonly id: string
  readonly container: Container
  readonly config: ExecConfig
  status: 'created' | 'running' | 'exited'
  exitCode: number | null
  pid: number
  process: ExecProcess | undefined
}

export function inspectExec({ id, container, config, status, exitCode, pid }: ExecRecord): ExecInspect {
  const [entrypoint = '', ...rest] = config.Cmd ?? []
  return {
    ID: id,
    Running: status === 'running',
    ExitCode: exitCode,
    ProcessConfig: {
      tty: config.Tty ?? false,
      entrypoint,
      arguments: rest,
      privileged: config.Privileged ?? false,
      ...(config.User ? { user: config.User } : {}),
    },
    OpenStdin: config.AttachStdin ?? false,
    OpenStderr: config.AttachStderr ?? false,
    OpenStdout: config.AttachStdout ?? false,
    CanRemove: status === 'exited',
    ContainerID: container.id,
    DetachKeys: config.DetachKeys ?? '',
    Pid: pid,
  }
}
