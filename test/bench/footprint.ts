import { setTimeout as sleep } from 'node:timers/promises'
import { parentOf, read } from '../e2e/harness/processes.ts'
import { type Contender, image } from './contender.ts'
import { command, inParallel } from './timing.ts'

/** What an engine needs for itself. Memory is PSS in KiB, of every process that is not a container's own. */
export interface Footprint {
  name: string
  idle: number
  perContainer: number
  /** Milliseconds of processor time a second, with the containers idle. */
  processor: number
}

/** Measures one engine with `count` idle containers. */
export async function measureFootprint(contender: Contender, count = 20): Promise<Footprint> {
  const cli = (...words: string[]) => command([...contender.command, ...words], contender.env)
  const idle = memory(contender.servers())
  const network = contender.networks[0] ?? 'none'
  const ids: string[] = []
  await inParallel(count, 2, async () => ids.push(await cli('run', '-d', '--net', network, image, 'sleep', '1000')))
  const inside = new Set((await cli('inspect', '-f', '{{.State.Pid}}', ...ids)).split('\n').map(Number))
  // Monitors need not carry a path of ours on their command line: they are known as parents.
  const servers = () => [...new Set([...contender.servers(), ...[...inside].map(parentOf)])].filter((pid) => pid > 1 && !inside.has(pid))
  await sleep(3000)
  const perContainer = (memory(servers()) - idle) / count
  const before = processor(servers())
  await sleep(5000)
  const used = processor(servers()) - before
  await cli(...contender.removal, ...ids)
  return { name: contender.name, idle, perContainer, processor: used / 5 }
}

function memory(pids: number[]): number {
  return pids.reduce((sum, pid) => sum + Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0), 0)
}

/** Processor time in ms, all threads, counted by the kernel in ticks of 10 ms. */
function processor(pids: number[]): number {
  let sum = 0
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`)
    const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number)
    sum += ((user ?? 0) + (system ?? 0)) * 10
  }
  return sum
}
