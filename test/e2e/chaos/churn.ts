import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../harness/engine.ts'
import { tiny } from '../harness/image.ts'
import type { Random } from './random.ts'

/** Somebody who goes on working whether the engine is there or not: makes, starts, executes in, stops and removes containers. */
export interface Churn {
  /** Requests that were answered well, and those that were cut off or refused. */
  readonly done: number
  readonly failed: number
  /** Answers with a status of 500 and above that no kill explains. */
  readonly faults: string[]
  stop(): Promise<void>
}

const names = ['churn-1', 'churn-2', 'churn-3', 'churn-4']
const network = 'churn-net'

export function startChurn(engine: Engine, random: Random): Churn {
  const end = new AbortController()
  const churn = { done: 0, failed: 0, faults: [] as string[], stop: async () => {} }
  const pick = () => names[random(names.length)] ?? ''
  const post = (path: string, body?: unknown) => engine.api({ method: 'POST', path, ...(body !== undefined && { body: JSON.stringify(body) }) })
  const create = () => {
    const HostConfig = {
      ...(random(3) === 0 && { PortBindings: { '80/tcp': [{ HostPort: String(10_750 + random(3)) }] } }),
      ...(random(3) === 0 && { NetworkMode: network }),
      ...(random(4) === 0 && { AutoRemove: true }),
      ...(random(3) === 0 && { Mounts: [{ Type: 'volume', Target: '/data' }] }),
      LogConfig: { Type: random(2) === 0 ? 'local' : 'json-file' },
    }
    return post(`/containers/create?name=${pick()}`, { Image: tiny, Cmd: ['sh', '-c', `echo begun; sleep ${random(3)}`], HostConfig, Healthcheck: { Test: ['CMD', 'true'], Interval: 300_000_000 } })
  }
  const exec = async () => {
    const { text, status } = await post(`/containers/${pick()}/exec`, { Cmd: ['sleep', '0.2'], AttachStdout: true })
    if (status === 201) await post(`/exec/${(JSON.parse(text) as { Id: string }).Id}/start`, { Detach: random(2) === 0 })
  }
  const steps: (() => Promise<unknown>)[] = [
    create,
    create,
    () => post(`/containers/${pick()}/start`),
    () => post(`/containers/${pick()}/start`),
    exec,
    () => post(`/containers/${pick()}/stop?t=1`),
    () => post(`/containers/${pick()}/restart?t=0`),
    () => post(`/containers/${pick()}/kill`),
    () => engine.api({ method: 'DELETE', path: `/containers/${pick()}?force=1&v=1` }),
    () => post('/networks/create', { Name: network, IPAM: { Config: [{ Subnet: '10.79.0.0/24' }] } }),
    () => engine.api({ method: 'DELETE', path: `/networks/${network}` }),
  ]
  const work = async () => {
    while (!end.signal.aborted) {
      const step = steps[random(steps.length)]
      try {
        const answer = (await step?.()) as { status: number; text: string } | undefined
        churn.done++
        // A port that another has, for instance, is an error of the engine's words: Docker's are the same.
        if (answer !== undefined && answer.status >= 500 && !/port is already allocated|address already in use/.test(answer.text)) churn.faults.push(answer.text.trim())
      } catch {
        churn.failed++
        await sleep(50)
      }
    }
  }
  const workers = [work(), work()]
  churn.stop = async () => {
    end.abort()
    await Promise.all(workers)
  }
  return churn
}

/** Removes what it made; every one of it has to be whole enough for that. */
export async function clearChurn(engine: Engine): Promise<string[]> {
  const problems: string[] = []
  const list = await engine.api({ path: '/containers/json?all=1' })
  const made = (JSON.parse(list.text) as { Id: string; Names: string[] }[]).filter(({ Names }) => Names.some((name) => name.startsWith('/churn-')))
  for (const { Id } of made) {
    const inspected = await engine.api({ path: `/containers/${Id}/json` })
    if (inspected.status !== 200) problems.push(`inspect: ${inspected.text}`)
    const removed = await engine.api({ method: 'DELETE', path: `/containers/${Id}?force=1&v=1` })
    if (removed.status !== 204) problems.push(`rm: ${removed.text}`)
  }
  const gone = await engine.api({ method: 'DELETE', path: `/networks/${network}` })
  if (![204, 404].includes(gone.status)) problems.push(`network rm: ${gone.text}`)
  return problems
}
