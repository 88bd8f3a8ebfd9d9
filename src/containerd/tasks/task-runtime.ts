import type { CheckpointTask, ExecProcess, ExecTask } from './contract.ts'

/** What a runtime does with a container that it has made. */
export interface TaskRuntime {
  /** Lets the created process go on to its command. @throws GantryError with exit code 126, 127 or 128 */
  start(): Promise<void>
  /** @throws when the process is gone */
  signal(signal: number): Promise<void>
  /** A process that waits for `start`. Leaves nothing when it fails. */
  exec(request: RuntimeExec): Promise<ExecProcess>
  pause(): Promise<void>
  resume(): Promise<void>
  /** @throws GantryError NotImplemented: this runtime cannot, or this host has no criu; System with criu's words */
  checkpoint(request: CheckpointTask): Promise<void>
  /** Forgets the container, and kills what is left of it. Idempotent. */
  remove(): Promise<void>
}

export interface RuntimeExec {
  /** Where it lives; made. */
  directory: string
  request: ExecTask
  forget: () => void
}
