import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
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

/**
 * `crun run` against a run of the same bundle by the core inside gantryd (create, start, wait, delete: no Node starts). crun refuses
 * hosts with cgroups of both versions, so it gets a mount namespace of its own, where only the (empty) v2 tree is mounted; it
 * is run in turn by a shell there, so that entering the namespace is not counted.
 */
export async function measureInside({ crun, bundle, state, rounds }: { crun: string | undefined; bundle: string; state: string; rounds: number }): Promise<Series> {
  const samples = new Map<string, number[]>([['inside gantryd', []]])
  mkdirSync(state, { recursive: true })
  const tasks = openTaskService({ kernel: linuxKernel, root: path.join(state, 'exec') })
  const spec = JSON.parse(readFileSync(path.join(bundle, 'config.json'), 'utf8')) as OciSpec
  let count = 0
  const run = async (): Promise<void> => {
    const id = `bench-${process.pid}-i${count++}`
    const task = await tasks.create({ id, spec: () => structuredClone(spec), rootfs: { type: 'bind', source: path.join(bundle, 'rootfs'), readonly: false }, mountpoint: path.join(state, id), stdio: { stdin: false } })
    const ended = task.wait()
    await task.start()
    await ended
    await task.delete()
  }
  await run()
  for (let round = 0; round < rounds; round++) {
    samples.get('inside gantryd')?.push(await average(run))
    if (crun !== undefined) samples.set('crun', [...(samples.get('crun') ?? []), await crunInTurn(crun, bundle, state)])
  }
  tasks.close()
  return { title: 'run true, no Node started', samples }
}

async function average(run: () => Promise<void>): Promise<number> {
  return (await timed(async () => {
    for (let turn = 0; turn < inTurn; turn++) await run()
  })) / inTurn
}

/** Milliseconds a run, by the shell's own clock. */
async function crunInTurn(crun: string, bundle: string, state: string): Promise<number> {
  const line = `umount -R -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup || exit 1
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
