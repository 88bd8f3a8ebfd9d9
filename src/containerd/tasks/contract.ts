import type { Duplex } from 'node:stream'
import type { Pressures } from '../../kernel/cgroup/pressure.ts'
import type { CgroupUsage } from '../../kernel/cgroup/usage.ts'
import type { CgroupValue } from '../../kernel/cgroup/values.ts'
import type { IdMaps } from '../../kernel/user-namespace.ts'
import type { LogRules } from '../../shim/log-rules.ts'
import type { AttachOptions, ExitStatus } from '../../shim/monitor.ts'
import type { OciProcess, OciResources, OciSpec } from '../../runc/spec.ts'
import type { SnapshotMount } from '../snapshots/contract.ts'

/**
 * Tasks: containers that have processes. A container (metadata) has at most one task; a task has one init
 * process and any number of execs. Every state is on disk under the exec root, so that a new TaskService over
 * the same directory finds all tasks of the old one (`recover`).
 *
 * Lifecycle: create -> start -> (exit) -> delete. `delete` is idempotent and leaves nothing: no process, mount, cgroup,
 * file under the exec root. A failed create leaves nothing either.
 * Errors: NotFound for an unknown task or exec, Conflict for one that exists, InvalidParameter for a bad spec;
 * a command that cannot be executed is InvalidParameter with exitCode 126 or 127 and Docker's text.
 */
export interface TaskService {
  create(request: CreateTask): Promise<Task>
  get(id: string): Task | undefined
  list(): Task[]
  /** Finds the tasks that an earlier process left, running or exited meanwhile. Once, before anything else. */
  recover(): Promise<Task[]>
  /** Takes away what stands on the host for tasks in general, when there is none: the cgroup above theirs. Tasks stay. */
  close(): void
}

export interface CreateTask {
  id: string
  /**
   * Makes the bundle's specification once the root file system is mounted at `rootfs` (a host path), so that users
   * can be looked up in it (src/runc/user.ts). `root.path` is filled in.
   */
  spec: (rootfs: string) => OciSpec
  /** Mounted at `mountpoint` in the host's mount namespace before the program runs, unmounted by delete. */
  rootfs: SnapshotMount
  /** `<overlay2>/<id>/merged`; made when missing. */
  mountpoint: string
  /** Those of the container's user namespace, which the root file system's ids are then shown by. On disk they stay as they are. */
  idMaps?: IdMaps
  /** SELinux label that everything in the root file system then has. */
  mountLabel?: string
  stdio: TaskStdio
  /** Another OCI runtime than the built-in one makes the container and keeps it. */
  runtime?: RuntimeChoice
  /**
   * Directory of a checkpoint's images: `start` restores it. Until then `pid` is a process in the container's network namespace,
   * so that the network is there before the container's processes are; 0 where the namespace is somebody else's.
   */
  restore?: string
}

export interface CheckpointTask {
  /** Directory that the images are written into. */
  images: string
  /** Else its processes are killed once all is written. */
  leaveRunning: boolean
}

/** An OCI runtime that is a program, with runc's command line. */
export interface RuntimeChoice {
  /** By which it is known; its state lies in `<exec-root>/runtimes/<name>`. */
  name: string
  path: string
  /** Given to it before the command. */
  args: readonly string[]
}

export interface TaskStdio {
  /** Keep standard input open for attach (Docker's OpenStdin); else it is /dev/null. */
  stdin: boolean
  /** Log written by the monitor, appended to; omitted: output goes to attached streams only. */
  logPath?: string
  /** Without them one json-file log without an end. */
  logRules?: LogRules
}

/** `usage` and `pressure` of one task, with their files open. After the task's end they say what a cgroup says that is gone. */
export interface UsageReader {
  usage(): CgroupUsage
  pressure(): Pressures
  close(): void
}

export interface Task {
  readonly id: string
  /** Host pid of the init process. */
  readonly pid: number
  readonly status: 'created' | 'running' | 'paused' | 'stopped'
  start(): Promise<void>
  attach(options: AttachOptions): Promise<Duplex>
  signal(signal: number): Promise<void>
  resize(size: { width: number; height: number }): Promise<void>
  wait(): Promise<TaskExit>
  exec(request: ExecTask): Promise<ExecProcess>
  getExec(execId: string): ExecProcess | undefined
  /** Host pids of every process in the task's cgroup. */
  pids(): number[]
  /** What its cgroup uses and has used; zeros once it is gone. */
  usage(): CgroupUsage
  /** For who reads the same again and again; has to be closed. */
  openUsage(): UsageReader
  /** Calls `tell` each time that the kernel has killed for memory in it, until the answered function is called. */
  followOom(tell: () => void): () => void
  /** PSI of its cgroup; nothing on v1. */
  pressure(): Pressures
  /** Every file of its cgroup that can be read. */
  cgroupValues(): CgroupValue[]
  /** Writes files of its cgroup, by their v2 names or the host's. When one is refused, none is changed. */
  setCgroupValues(values: Readonly<Record<string, string>>): Promise<void>
  /**
   * Changes the limits of the running task at once; what `resources` leaves out stays as it is. The bundle's specification
   * follows, so that it tells what holds. When a limit is refused, none of them is changed.
   */
  update(resources: OciResources): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  /**
   * Writes its processes and their memory into images (criu). When that fails it goes on, and there are no images.
   * @throws Conflict unless it runs or is paused; NotImplemented without criu, or where the runtime cannot; System with criu's words
   */
  checkpoint(request: CheckpointTask): Promise<void>
  delete(): Promise<TaskExit>
}

export interface TaskExit extends ExitStatus {
  /** The kernel killed a process of the cgroup for memory. */
  oomKilled: boolean
}

export interface ExecTask {
  execId: string
  process: OciProcess
  stdin: boolean
}

/** A further process in a task's namespaces. It waits for `start` so that streams can be attached first. */
export interface ExecProcess {
  readonly execId: string
  readonly pid: number
  start(): Promise<void>
  attach(options: AttachOptions): Promise<Duplex>
  signal(signal: number): Promise<void>
  resize(size: { width: number; height: number }): Promise<void>
  wait(): Promise<ExitStatus>
  /** Forgets it and removes its directory; kills it when it still runs. */
  delete(): Promise<void>
}
