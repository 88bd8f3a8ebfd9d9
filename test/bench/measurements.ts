import { request } from '../e2e/harness/engine-api.ts'
import { type Contender, image } from './contender.ts'
import { command, inParallel, timed } from './timing.ts'

/** One row of the table: what it measures, how often in relation to the rounds, and how. Milliseconds. */
export interface Measurement {
  title: string
  /** Of all rounds; slow ones run less often. */
  share: number
  fits(contender: Contender): boolean
  measure(contender: Contender): Promise<number>
}

const cli = (contender: Contender, ...words: string[]) => command([...contender.command, ...words], contender.env)
const many = 50

async function call(contender: Contender, method: string, path: string, body?: unknown): Promise<string> {
  const answer = await request(contender.socket ?? '', { method, path, body: body === undefined ? undefined : JSON.stringify(body) })
  if (answer.status >= 300) throw new Error(`${contender.name}: ${method} ${path} answers ${answer.status} ${answer.text}`)
  return answer.text
}

const runs = ['bridge', 'host', 'none'].map((network): Measurement => ({
  title: `run --rm, ${network} network`,
  share: 1,
  fits: (contender) => contender.networks.includes(network),
  measure: (contender) => timed(() => cli(contender, 'run', '--rm', '--net', network, image, 'true')),
}))

/** One container by the API alone; answers what each step took. */
async function steps(contender: Contender): Promise<Record<'create' | 'start' | 'all', number>> {
  const begin = performance.now()
  const { Id } = JSON.parse(await call(contender, 'POST', '/containers/create', { Image: image, Cmd: ['true'] })) as { Id: string }
  const created = performance.now()
  await call(contender, 'POST', `/containers/${Id}/start`)
  const started = performance.now()
  await call(contender, 'POST', `/containers/${Id}/wait`)
  const ended = performance.now()
  await call(contender, 'DELETE', `/containers/${Id}?force=1`)
  return { create: created - begin, start: started - created, all: ended - begin }
}

/** Create and start on one network by the API alone: what is left of a start when its network is nothing. */
const apiStarts = ['bridge', 'none'].map((network): Measurement => ({
  title: `API create and start, ${network} network`,
  share: 1,
  fits: ({ socket }) => socket !== undefined,
  async measure(contender) {
    const begin = performance.now()
    const { Id } = JSON.parse(await call(contender, 'POST', '/containers/create', { Image: image, Cmd: ['true'], HostConfig: { NetworkMode: network } })) as { Id: string }
    await call(contender, 'POST', `/containers/${Id}/start`)
    const time = performance.now() - begin
    await call(contender, 'POST', `/containers/${Id}/wait`)
    await call(contender, 'DELETE', `/containers/${Id}?force=1`)
    return time
  },
}))

const apiSteps = (['create', 'start', 'all'] as const).map((step): Measurement => ({
  title: { create: 'API create', start: 'API start', all: 'API create, start, wait' }[step],
  share: 1,
  fits: ({ socket }) => socket !== undefined,
  measure: async (contender) => (await steps(contender))[step],
}))

/** What a command costs that asks the engine nothing but its version: the share of the client in every row above and below. */
const client: Measurement = {
  title: 'version (the client alone)',
  share: 1,
  fits: ({ name }) => name !== 'podman',
  measure: (contender) => timed(() => cli(contender, 'version', '--format', '{{.Client.Version}}')),
}

const exec: Measurement = {
  title: 'exec true',
  share: 1,
  fits: () => true,
  measure: (contender) => inSleeper(contender, (id) => timed(() => cli(contender, 'exec', id, 'true'))),
}

/** The same by the API alone, output included. */
const apiExec: Measurement = {
  title: 'API exec',
  share: 1,
  fits: ({ socket }) => socket !== undefined,
  measure: (contender) => inSleeper(contender, (id) => timed(() => execute(contender, id))),
}

async function execute(contender: Contender, container: string): Promise<void> {
  const config = { Cmd: ['true'], AttachStdout: true, AttachStderr: true }
  const { Id } = JSON.parse(await call(contender, 'POST', `/containers/${container}/exec`, config)) as { Id: string }
  await call(contender, 'POST', `/exec/${Id}/start`, { Detach: false, Tty: false })
  await call(contender, 'GET', `/exec/${Id}/json`)
}

/** The middle one of three measurements in a running container. */
async function inSleeper(contender: Contender, measure: (id: string) => Promise<number>): Promise<number> {
  const id = await cli(contender, 'run', '-d', '--net', 'none', image, 'sleep', '1000')
  const times: number[] = []
  for (let i = 0; i < 3; i++) times.push(await measure(id))
  await cli(contender, ...contender.removal, id)
  return times.toSorted((a, b) => a - b)[1] ?? NaN
}

const network = (contender: Contender) => contender.networks[0] ?? 'none'

const crowds = [
  ['in turn', 1],
  ['8 at a time', 8],
] as const
const bulk = crowds.map(([how, width]): Measurement => ({
  title: `${many} × run --rm, ${how}`,
  share: 0.1,
  fits: () => true,
  measure: (contender) => timed(() => inParallel(many, width, () => cli(contender, 'run', '--rm', '--net', network(contender), image, 'true'))),
}))

const removal: Measurement = {
  title: `rm -f of ${many} running`,
  share: 0.1,
  fits: () => true,
  async measure(contender) {
    const ids: string[] = []
    await inParallel(many, 4, async () => ids.push(await cli(contender, 'run', '-d', '--net', network(contender), image, 'sleep', '1000')))
    return timed(() => cli(contender, ...contender.removal, ...ids))
  },
}

export const measurements: Measurement[] = [client, ...runs, ...apiStarts, ...apiSteps, exec, apiExec, ...bulk, removal]
