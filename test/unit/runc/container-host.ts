import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { detectLayout, type CgroupLayout } from '../../../src/kernel/cgroup/layout.ts'
import { prepareParents } from '../../../src/kernel/cgroup/parents.ts'
import { killAll } from '../../../src/kernel/cgroup/processes.ts'
import { removeCgroup } from '../../../src/kernel/cgroup/remove.ts'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import type { Program } from '../../../src/kernel/program.ts'
import { encodeProgram } from '../../../src/kernel/program-codec.ts'
import { compileContainer, type CompileContainer } from '../../../src/runc/compile-container.ts'
import { compileExec, type CompileExec } from '../../../src/runc/compile-exec.ts'
import type { OciProcess, OciSpec } from '../../../src/runc/spec.ts'
import type { Monitor } from '../../../src/shim/monitor.ts'
import { openMonitor } from '../../../src/shim/monitor-client.ts'
import { sampleSpec } from './sample-spec.ts'

const applets = [
  'sh', 'cat', 'chmod', 'dd', 'echo', 'env', 'grep', 'head', 'hostname', 'id', 'ionice', 'ls', 'mkdir', 'mknod', 'mount', 'pwd', 'readlink', 'rm', 'rmdir', 'sleep', 'stat', 'stty', 'touch', 'true', 'tty', 'umount', 'wc',
]

export interface Finished {
  code: number
  stdout: string
  stderr: string
}

/** A private root file system with busybox, and containers on it; everything is gone after `close`. */
export class ContainerHost {
  readonly directory = mkdtempSync(join(tmpdir(), 'gantry-runc-test-'))
  readonly rootfs = join(this.directory, 'rootfs')
  readonly layout: CgroupLayout
  readonly parent = `/gantry-runc-test-${randomBytes(4).toString('hex')}`
  #count = 0

  constructor(layout: CgroupLayout = detectLayout()) {
    this.layout = layout
    for (const name of ['bin', 'etc', 'tmp']) mkdirSync(join(this.rootfs, name), { recursive: true })
    copyFileSync('/bin/busybox', join(this.rootfs, 'bin/busybox'))
    for (const applet of applets) symlinkSync('busybox', join(this.rootfs, 'bin', applet))
  }

  /** A script in a container with Docker's defaults, to its end. `change` alters the specification. */
  async run(script: string, change: (spec: OciSpec) => void = () => {}): Promise<Finished> {
    const spec = sampleSpec(this.rootfs, { args: ['sh', '-c', script] })
    change(spec)
    const container = await this.create(spec)
    return container.finish()
  }

  async create(spec: OciSpec, options: Partial<CompileContainer> = {}): Promise<Container> {
    const name = String(this.#count++)
    const directory = join(this.directory, name)
    mkdirSync(directory)
    const cgroupPath = `${this.parent}/${name}`
    prepareParents(this.layout, cgroupPath)
    const stdio = { terminal: spec.process?.terminal === true, stdin: false, logPath: join(directory, 'log') }
    const program = compileContainer({ spec, rootfs: this.rootfs, layout: this.layout, cgroupPath, directory, stdio, ...options })
    return new Container(this, spec, directory, cgroupPath, await startProgram(program, directory))
  }

  async close(): Promise<void> {
    for (let name = 0; name < this.#count; name++) {
      await killAll(this.layout, `${this.parent}/${name}`)
      await removeCgroup(this.layout, `${this.parent}/${name}`)
    }
    await removeCgroup(this.layout, this.parent)
    rmSync(this.directory, { recursive: true })
  }
}

export class Container {
  readonly host: ContainerHost
  readonly spec: OciSpec
  readonly directory: string
  readonly cgroupPath: string
  readonly monitor: Monitor
  #execs = 0

  constructor(host: ContainerHost, spec: OciSpec, directory: string, cgroupPath: string, monitor: Monitor) {
    this.host = host
    this.spec = spec
    this.directory = directory
    this.cgroupPath = cgroupPath
    this.monitor = monitor
  }

  async finish(): Promise<Finished> {
    return finish(this.monitor, this.directory)
  }

  async exec(process: Partial<OciProcess>, options: Partial<CompileExec> = {}): Promise<Finished> {
    const directory = join(this.directory, `exec-${this.#execs++}`)
    mkdirSync(directory)
    const program = compileExec({
      pid: this.monitor.pid,
      process: { ...this.spec.process!, ...process },
      seccomp: this.spec.linux?.seccomp,
      layout: this.host.layout,
      cgroupPath: this.cgroupPath,
      directory,
      stdio: { terminal: process.terminal === true, stdin: false, logPath: join(directory, 'log') },
      ...options,
    })
    return finish(await startProgram(program, directory), directory)
  }

  async kill(): Promise<void> {
    await this.monitor.signal(9)
    await this.monitor.wait()
    this.monitor.close()
  }
}

async function startProgram(program: Program, directory: string): Promise<Monitor> {
  const programPath = join(directory, 'program')
  writeFileSync(programPath, encodeProgram(program))
  const { pid, executed } = await linuxKernel.spawnMonitor({ programPath })
  return openMonitor({ directory, pid, executed })
}

async function finish(monitor: Monitor, directory: string): Promise<Finished> {
  try {
    await monitor.start()
    const { code } = await monitor.wait()
    const rows = readFileSync(join(directory, 'log'), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as { log: string; stream: string })
    const text = (stream: string): string => rows.filter((row) => row.stream === stream).map((row) => row.log).join('')
    return { code, stdout: text('stdout'), stderr: text('stderr') }
  } finally {
    monitor.close()
  }
}
