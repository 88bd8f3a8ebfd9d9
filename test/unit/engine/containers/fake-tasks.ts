import { Duplex } from 'node:stream'
import type { CheckpointTask, CreateTask, ExecProcess, ExecTask, Task, TaskExit, TaskService, UsageReader } from '../../../../src/containerd/tasks/contract.ts'
import type { CgroupUsage } from '../../../../src/kernel/cgroup/usage.ts'
import type { OciResources } from '../../../../src/runc/spec.ts'
import type { AttachOptions, ExitStatus } from '../../../../src/shim/monitor.ts'
import { GantryError } from '../../../../src/lib/errors.ts'

/** Tasks without processes: signals are recorded, exits are told by the test. */
export class FakeTasks implements TaskService {
  readonly tasks = new Map<string, FakeTask>()
  /** What the next create or start fails with. */
  failCreate: Error | undefined
  failStart: Error | undefined
  nextPid = 1000

  async create(request: CreateTask): Promise<FakeTask> {
    const failure = this.failCreate
    this.failCreate = undefined
    if (failure !== undefined) throw failure
    const task = new FakeTask(this, request, this.nextPid++)
    this.tasks.set(request.id, task)
    return task
  }

  get(id: string): FakeTask | undefined {
    return this.tasks.get(id)
  }

  list(): FakeTask[] {
    return [...this.tasks.values()]
  }

  close(): void {}

  async recover(): Promise<Task[]> {
    return this.list()
  }

  /** The only task there is. */
  get only(): FakeTask {
    const [task] = this.tasks.values()
    if (task === undefined) throw new Error('there is no task')
    return task
  }
}

export class FakeTask implements Task {
  readonly id: string
  readonly pid: number
  readonly request: CreateTask
  readonly signals: number[] = []
  readonly sizes: { width: number; height: number }[] = []
  readonly attaches: { options: AttachOptions; stream: Duplex; input: string[] }[] = []
  readonly execs = new Map<string, FakeExec>()
  readonly updates: OciResources[] = []
  readonly checkpoints: CheckpointTask[] = []
  /** What checkpoints fail with. */
  failCheckpoint: Error | undefined
  /** What the next update fails with. */
  failUpdate: Error | undefined
  /** How often it was asked for its usage; each time it has used one more second of CPU. */
  readings = 0
  status: Task['status'] = 'created'
  /** Signals that end it at once, with 128 + n. */
  dieOn = new Set([9, 15])
  deleted = false
  readonly #service: FakeTasks
  readonly #exit = Promise.withResolvers<TaskExit>()

  constructor(service: FakeTasks, request: CreateTask, pid: number) {
    this.#service = service
    this.request = request
    this.id = request.id
    this.pid = pid
  }

  readonly written: Record<string, string>[] = []

  followOom(): () => void {
    return () => undefined
  }

  openUsage(): UsageReader {
    this.openReaders += 1
    return { usage: () => this.usage(), pressure: () => this.pressure(), close: () => void (this.openReaders -= 1) }
  }

  /** Readers that nobody has closed. */
  openReaders = 0

  pressure(): Record<string, never> {
    return {}
  }

  cgroupValues(): { file: string; path: string; value: string }[] {
    return [{ file: 'cpu.weight', path: '/sys/fs/cgroup/x/cpu.weight', value: '50' }]
  }

  async setCgroupValues(values: Readonly<Record<string, string>>): Promise<void> {
    this.written.push({ ...values })
  }

  async start(): Promise<void> {
    const failure = this.#service.failStart
    this.#service.failStart = undefined
    if (failure !== undefined) throw failure
    this.status = 'running'
  }

  async attach(options: AttachOptions): Promise<Duplex> {
    const input: string[] = []
    const stream = new Duplex({
      read: () => undefined,
      write: (chunk, _encoding, done) => {
        input.push(String(chunk))
        done()
      },
    })
    this.attaches.push({ options, stream, input })
    return stream
  }

  async signal(signal: number): Promise<void> {
    this.signals.push(signal)
    if (this.dieOn.has(signal)) this.exit(128 + signal)
  }

  exit(code: number, oomKilled = false): void {
    this.status = 'stopped'
    for (const { stream } of this.attaches) stream.push(null)
    this.#exit.resolve({ code, exitedAt: Date.now(), oomKilled })
  }

  async resize(size: { width: number; height: number }): Promise<void> {
    this.sizes.push(size)
  }

  wait(): Promise<TaskExit> {
    return this.#exit.promise
  }

  async exec(request: ExecTask): Promise<FakeExec> {
    const process = new FakeExec(request)
    this.execs.set(request.execId, process)
    return process
  }

  getExec(execId: string): FakeExec | undefined {
    return this.execs.get(execId)
  }

  pids(): number[] {
    return [this.pid]
  }

  usage(): CgroupUsage {
    this.readings += 1
    return {
      version: 1,
      cpu: { total: this.readings * 1e9, user: 0, kernel: 0, perProcessor: [], periods: 0, throttledPeriods: 0, throttled: 0 },
      memory: { current: 4096, limit: undefined, highest: 8192, failures: 0, stat: { cache: 1 } },
      pids: { current: 1, limit: undefined },
      blockIo: { bytes: [], operations: [] },
    }
  }

  async update(resources: OciResources): Promise<void> {
    if (this.failUpdate !== undefined) throw this.failUpdate
    this.updates.push(resources)
  }

  async pause(): Promise<void> {
    this.status = 'paused'
  }

  async resume(): Promise<void> {
    this.status = 'running'
  }

  async checkpoint(request: CheckpointTask): Promise<void> {
    if (this.failCheckpoint !== undefined) throw this.failCheckpoint
    this.checkpoints.push(request)
    if (!request.leaveRunning) this.exit(137)
  }

  async delete(): Promise<TaskExit> {
    this.deleted = true
    this.#service.tasks.delete(this.id)
    return { code: 0, exitedAt: Date.now(), oomKilled: false }
  }
}

export class FakeExec implements ExecProcess {
  readonly execId: string
  readonly request: ExecTask
  readonly pid = 4242
  readonly attached = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
  deleted = false
  readonly #exit = Promise.withResolvers<ExitStatus>()

  constructor(request: ExecTask) {
    this.execId = request.execId
    this.request = request
  }

  async start(): Promise<void> {
    if (this.request.process.args[0] !== 'missing') return
    throw new GantryError('InvalidParameter', 'exec: "missing": executable file not found in $PATH', { exitCode: 127 })
  }

  async attach(): Promise<Duplex> {
    return this.attached
  }

  exit(code: number): void {
    this.attached.push(null)
    this.#exit.resolve({ code, exitedAt: Date.now() })
  }

  async signal(): Promise<void> {}
  async resize(): Promise<void> {}

  wait(): Promise<ExitStatus> {
    return this.#exit.promise
  }

  async delete(): Promise<void> {
    this.deleted = true
  }
}
