import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import type { Program } from '../../../src/kernel/program.ts'
import { encodeProgram } from '../../../src/kernel/program-codec.ts'
import { writeFileSync } from 'node:fs'
import { compileContainer } from '../../../src/runc/compile-container.ts'
import { compileExec } from '../../../src/runc/compile-exec.ts'
import type { OciProcess, OciSpec } from '../../../src/runc/spec.ts'
import type { Monitor } from '../../../src/shim/monitor.ts'
import { openMonitor } from '../../../src/shim/monitor-client.ts'

// Run as an ordinary user: makes the container of a specification, executes what is asked in it, and prints what that said.
const { spec, exec } = JSON.parse(readFileSync(0, 'utf8')) as { spec: OciSpec; exec?: OciProcess }
const layout = { mode: 'v1' as const, root: '/sys/fs/cgroup', hierarchies: [] }
const top = mkdtempSync(join(tmpdir(), 'gantry-rootless-test-'))

async function start(name: string, compile: (directory: string) => Program): Promise<{ monitor: Monitor; output: () => string }> {
  const directory = join(top, name)
  mkdirSync(directory)
  const programPath = join(directory, 'program')
  writeFileSync(programPath, encodeProgram(compile(directory)))
  const { pid, executed } = await linuxKernel.spawnMonitor({ programPath })
  const monitor = await openMonitor({ directory, pid, executed })
  await monitor.start()
  return { monitor, output: () => readFileSync(join(directory, 'log'), 'utf8') }
}

const stdio = (directory: string): { terminal: boolean; stdin: boolean; logPath: string } => ({ terminal: false, stdin: false, logPath: join(directory, 'log') })
try {
  const container = await start('container', (directory) => compileContainer({ spec, rootfs: spec.root!.path, layout, cgroupPath: '/none/x', directory, stdio: stdio(directory) }))
  let last = container
  if (exec !== undefined) {
    last = await start('exec', (directory) => compileExec({ pid: container.monitor.pid, process: exec, seccomp: undefined, layout, cgroupPath: '/none/x', directory, stdio: stdio(directory) }))
    await last.monitor.wait()
    await container.monitor.signal(9)
  }
  const { code } = await container.monitor.wait()
  const rows = last.output().split('\n').filter(Boolean).map((line) => JSON.parse(line) as { log: string })
  console.log(JSON.stringify({ code, output: rows.map(({ log }) => log).join('') }))
} finally {
  rmSync(top, { recursive: true })
}
process.exit(0)
