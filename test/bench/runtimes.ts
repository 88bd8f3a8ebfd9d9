import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { openTaskService } from '../../src/containerd/tasks/service.ts'
import { linuxKernel } from '../../src/kernel/linux.ts'
import type { OciSpec } from '../../src/runc/spec.ts'
import { parentOf, read } from '../e2e/harness/processes.ts'
import { must } from '../e2e/harness/run.ts'
import type { Runtime } from './contender.ts'
import type { Series } from './report.ts'
import { timed } from './timing.ts'

const inTurn = 10

export interface MeasureRuntimes {
  runtimes: readonly Runtime[]
  bundle: string
  /** Of a bundle whose command sleeps. */
  sleeper: string
  rounds: number
}

/** Where runtimes and engines keep what they know of containers is /run, nearly everywhere a tmpfs; here it need not be one. */
export async function mountState(directory: string): Promise<string> {
  mkdirSync(directory)
  await must(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'none', directory])
  return directory
}

/** Each command of each runtime, round by round. */
export async function measureRuntimes({ runtimes, bundle, sleeper, rounds }: MeasureRuntimes): Promise<Series[]> {
  const rows = ['run true', 'create', 'start', 'state', 'exec true', 'kill', 'delete'] as const
  const series = new Map(rows.map((title) => [title, new Map<string, number[]>(runtimes.map(({ name }) => [name, []]))]))
  const note = async (title: (typeof rows)[number], { name, call }: Runtime, ...words: string[]): Promise<void> => {
    series.get(title)?.get(name)?.push(await timed(() => alone([...call, ...words])))
  }
  for (let round = 0; round < rounds; round++) {
    for (const runtime of runtimes) await note('run true', runtime, 'run', '--bundle', bundle, `bench-${process.pid}-${round}`)
    for (const runtime of runtimes) {
      const id = `bench-${process.pid}-s${round}`
      await note('create', runtime, 'create', '--bundle', sleeper, id)
      await note('start', runtime, 'start', id)
      await note('state', runtime, 'state', id)
      await note('exec true', runtime, 'exec', id, '/bin/true')
      await note('kill', runtime, 'kill', id, 'KILL')
      await untilStopped(runtime, id)
      await note('delete', runtime, 'delete', id)
    }
  }
  return rows.map((title) => ({ title, samples: series.get(title) ?? new Map<string, number[]>() }))
}

/** Without pipes: a container would hold them, and they would be waited for. */
async function alone([file = '', ...args]: string[]): Promise<void> {
  const [code] = (await once(spawn(file, args, { stdio: 'ignore' }), 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}`)
}

async function untilStopped({ call }: Runtime, id: string): Promise<void> {
  while ((JSON.parse(await must([...call, 'state', id])) as { status: string }).status !== 'stopped');
}

export interface MeasureInside {
  crun: string | undefined
  bundle: string
  /** On a tmpfs, as /run is, where an engine and a runtime keep what they know of containers. */
  state: string
  rounds: number
}

/**
 * `crun run` against a run of the same bundle by the core inside gantryd (no Node starts). crun refuses hosts with cgroups of both
 * versions, so both are measured in a mount namespace where only the (empty) v2 tree is mounted: each makes one cgroup. What
 * gantryd takes where it makes one in every tree of this host is a row of its own.
 */
export async function measureInside({ crun, bundle, state, rounds }: MeasureInside): Promise<Series[]> {
  const alike: Series = { title: 'run true, cgroup v2 alone', samples: new Map() }
  const whole: Series = { title: 'run true, in every cgroup tree', samples: new Map() }
  const cores = { alike: startCore(['unshare', '-m', '--propagation', 'private', 'sh', '-c', `${onlyV2} && exec "$@"`, 'sh'], bundle, path.join(state, 'alike')), whole: startCore([], bundle, path.join(state, 'whole')) }
  for (let round = 0; round < rounds; round++) {
    note(alike, 'inside gantryd', await cores.alike.run())
    if (crun !== undefined) note(alike, 'crun', await crunInTurn(crun, bundle, state))
    note(whole, 'inside gantryd', await cores.whole.run())
  }
  await cores.alike.close()
  await cores.whole.close()
  return [alike, whole]
}

function note({ samples }: Series, name: string, value: number): void {
  samples.set(name, [...(samples.get(name) ?? []), value])
}

const onlyV2 = 'umount -R -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup'

/** test/bench/inside.ts, started by `prefix`. */
function startCore(prefix: readonly string[], bundle: string, state: string): { run(): Promise<number>; close(): Promise<unknown> } {
  const program = path.join(import.meta.dirname, 'inside.ts')
  mkdirSync(state, { recursive: true })
  const [file, ...args] = [...prefix, process.execPath, '--disable-warning=ExperimentalWarning', program, bundle, state, path.join(bundle, 'data'), String(inTurn)]
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const run = async (): Promise<number> => {
    child.stdin.write('go\n')
    const { value, done } = await answers.next()
    if (done === true) throw new Error(`${file} ${args.join(' ')} has ended`)
    return Number(value)
  }
  const close = (): Promise<unknown> => {
    const ended = once(child, 'exit')
    child.stdin.end()
    return ended
  }
  return { run, close }
}

/** Milliseconds a run, by the shell's own clock, in one namespace, so that entering it is not counted. */
async function crunInTurn(crun: string, bundle: string, state: string): Promise<number> {
  const line = `${onlyV2} || exit 1
    from=$(date +%s%N); i=0
    while [ $i -lt ${inTurn} ]; do ${crun} --root ${state}/crun run --bundle ${bundle} bench-${process.pid}-c$i 2>/dev/null || exit 1; i=$((i + 1)); done
    echo $(($(date +%s%N) - from))`
  return Number(await must(['unshare', '-m', '--propagation', 'private', 'sh', '-c', line])) / 1e6 / inTurn
}

/** PSS in KiB of the monitor of one idle container. */
export async function measureMonitor(sleeper: string, state: string): Promise<number> {
  mkdirSync(state, { recursive: true })
  const tasks = openTaskService({ kernel: linuxKernel, root: path.join(state, 'exec') })
  const spec = JSON.parse(readFileSync(path.join(sleeper, 'config.json'), 'utf8')) as OciSpec
  const task = await tasks.create({ id: `bench-${process.pid}-m`, spec: () => spec, rootfs: { type: 'bind', source: path.join(sleeper, 'rootfs'), readonly: false }, mountpoint: path.join(state, 'monitored'), stdio: { stdin: false } })
  await task.start()
  await once(spawn('sleep', ['1']), 'exit')
  const pss = Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${parentOf(task.pid)}/smaps_rollup`))?.[1] ?? NaN)
  await task.delete()
  tasks.close()
  return pss
}
