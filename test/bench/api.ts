import { request } from '../e2e/harness/engine-api.ts'
import { startEngines } from './engines.ts'
import { type Contender, image } from './contender.ts'
import { measureHealthchecks } from './healthchecks.ts'
import type { Series } from './report.ts'
import { command, inParallel, timed } from './timing.ts'

/** What the engines' management costs: lists, statistics, logs, health checks. */
export interface ApiReport {
  /** Milliseconds. */
  times: Series[]
  /** Milliseconds of processor time a second, of everything that serves, with 50 health checks a second. */
  processor: Series
}

interface Row {
  title: string
  /** In relation to all rounds. */
  share: number
  /** Undefined for who has no part in it. */
  measure: (contender: Contender) => Promise<number> | undefined
}

const running = 50
const crowd = 1000
const lines = 1_000_000

const cli = (contender: Contender, ...words: string[]) => command([...contender.command, ...words], contender.env)
const ownClient = ({ name }: Contender) => name !== 'gantryd'
const withApi = ({ name }: Contender) => name !== 'gantryd with gantry'

/** Starts engines of its own. Rows that need a crowd come in the order in which the crowd grows. */
export async function measureApi(rounds: number): Promise<ApiReport> {
  const contenders = await startEngines()
  const engines = contenders.filter(withApi)
  try {
    const logged = new Map<string, string>()
    const times = await inTurn(contenders, rounds, logRows(logged))
    for (const engine of engines) await call(engine, 'DELETE', `/containers/${logged.get(engineOf(engine))}`)
    const processor = await measureHealthchecks(engines, { containers: running, rounds: Math.max(1, Math.round(rounds / 4)) })
    for (const engine of engines) await inParallel(running, 4, () => cli(engine, 'run', '-d', '--net', 'none', image, 'sleep', '1000'))
    times.push(...(await inTurn(contenders, rounds, [...listRows(running), ownClientRow, statsRow])))
    for (const engine of engines) await inParallel(crowd - running, 4, () => call(engine, 'POST', '/containers/create', { Image: image, Cmd: ['true'] }))
    times.push(...(await inTurn(contenders, rounds, listRows(crowd))))
    return { times, processor }
  } finally {
    for (const contender of contenders) await contender.close()
  }
}

/** Round by round, all contenders in each, the order turning. What is first measured warms up and does not count. */
async function inTurn(contenders: Contender[], rounds: number, rows: Row[]): Promise<Series[]> {
  const series: Series[] = []
  for (const { title, share, measure } of rows) {
    const samples = new Map<string, number[]>()
    const count = Math.max(1, Math.round(rounds * share))
    for (let round = share < 1 ? 1 : 0; round <= count; round++) {
      for (let turn = 0; turn < contenders.length; turn++) {
        const contender = contenders[(turn + round) % contenders.length]
        const sample = contender && (await measure(contender))
        if (contender === undefined || sample === undefined || round === 0) continue
        samples.set(contender.name, [...(samples.get(contender.name) ?? []), sample])
      }
    }
    series.push({ title, samples })
    console.log(`${title}: ${[...samples].map(([name, values]) => `${name} ${values.map((value) => value.toFixed(1)).join(' ')}`).join(', ')}`)
  }
  return series
}

function listRows(count: number): Row[] {
  return [
    { title: `GET /containers/json, ${count} containers`, share: 1, measure: (contender) => (withApi(contender) ? timed(() => listed(contender, count)) : undefined) },
    { title: `ps -a, ${count} containers`, share: 1, measure: (contender) => timed(() => cli(contender, 'ps', '-a')) },
  ]
}

async function listed(contender: Contender, count: number): Promise<void> {
  const { length } = JSON.parse(await call(contender, 'GET', '/containers/json?all=1')) as unknown[]
  if (length !== count) throw new Error(`${contender.name} lists ${length} containers of ${count}`)
}

/** The one row whose ratio is that of `gantry` to `docker`, each with its own engine. */
export const ownClientTitle = `ps, ${running} containers, each with its own client`
const ownClientRow: Row = { title: ownClientTitle, share: 2, measure: (contender) => (ownClient(contender) ? timed(() => cli(contender, 'ps')) : undefined) }

const statsRow: Row = { title: `stats --no-stream, ${running} running`, share: 0.5, measure: (contender) => timed(() => cli(contender, 'stats', '--no-stream')) }

const engineOf = ({ env }: Contender): string => env['DOCKER_HOST'] ?? ''

/** What is read is what was printed last. */
function logRows(logged: Map<string, string>): Row[] {
  return [
    { title: 'a container prints a million lines', share: 0.5, measure: (contender) => (withApi(contender) ? printed(contender, logged) : undefined) },
    { title: 'logs of a million lines', share: 0.5, measure: (contender) => timed(() => read(contender, logged.get(engineOf(contender)) ?? '')) },
  ]
}

async function printed(contender: Contender, logged: Map<string, string>): Promise<number> {
  const before = logged.get(engineOf(contender))
  if (before !== undefined) await call(contender, 'DELETE', `/containers/${before}`)
  const body = { Image: image, Cmd: ['seq', String(lines)], HostConfig: { NetworkMode: 'none' } }
  const { Id } = JSON.parse(await call(contender, 'POST', '/containers/create', body)) as { Id: string }
  logged.set(engineOf(contender), Id)
  return timed(async () => {
    await call(contender, 'POST', `/containers/${Id}/start`)
    await call(contender, 'POST', `/containers/${Id}/wait`)
  })
}

async function read(contender: Contender, id: string): Promise<void> {
  // The shell counts, not this process, which would be the slowest of all.
  const count = await command(['sh', '-c', '"$@" | wc -l', 'sh', ...contender.command, 'logs', id], contender.env)
  if (Number(count) !== lines) throw new Error(`${contender.name} shows ${count} lines of ${lines}`)
}

async function call(contender: Contender, method: string, path: string, body?: unknown): Promise<string> {
  const answer = await request(contender.socket ?? '', { method, path, body: body === undefined ? undefined : JSON.stringify(body) })
  if (answer.status >= 300) throw new Error(`${contender.name}: ${method} ${path} answers ${answer.status} ${answer.text}`)
  return answer.text
}
