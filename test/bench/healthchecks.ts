import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from './contender.ts'
import { image } from './contender.ts'
import { cpuAccount } from './cpu-account.ts'
import type { Series } from './report.ts'
import { command, inParallel } from './timing.ts'

const seconds = 10

/**
 * Processor time of an engine with as many health checks a second as there are containers: of the daemons, of everything they start
 * meanwhile, and of the containers, whose only other process sleeps.
 */
export async function measureHealthchecks(engines: Contender[], { containers, rounds }: { containers: number; rounds: number }): Promise<Series> {
  const samples = new Map<string, number[]>()
  for (const engine of engines) {
    const account = cpuAccount(engine.servers())
    const ids: string[] = []
    const run = [...engine.command, 'run', '-d', '--net', 'none', '--health-interval', '1s', '--health-cmd', 'true', image, 'sleep', '1000']
    try {
      await inParallel(containers, 4, async () => ids.push(await command(run, engine.env)))
      await sleep(2000)
      for (let round = 0; round < rounds; round++) {
        const before = account.read(ids)
        await sleep(seconds * 1000)
        samples.set(engine.name, [...(samples.get(engine.name) ?? []), (account.read(ids) - before) / seconds])
      }
      await command([...engine.command, ...engine.removal, ...ids], engine.env)
    } finally {
      account.close()
    }
  }
  const title = `${containers} health checks a second, ms of processor a second`
  console.log(`${title}: ${[...samples].map(([name, values]) => `${name} ${values.map((value) => value.toFixed(0)).join(' ')}`).join(', ')}`)
  return { title, samples }
}
