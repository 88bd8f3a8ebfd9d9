import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { routes } from '../../src/api/routes.ts'
import { anyRequest } from './fuzz/requests.ts'
import { send } from './fuzz/wire.ts'
import { makeClient } from './harness/client.ts'
import { startEngine } from './harness/engine.ts'
import { type Footprint, assertNothingLeftOfContainers, assertNothingLeftOfEngine, takeFootprint } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { sweep } from './harness/private-directory.ts'
import { read } from './harness/processes.ts'
import { engineUnderTest, type Stage } from './harness/stories.ts'

/** GANTRY_FUZZ_SEED repeats a run, GANTRY_FUZZ_REQUESTS makes it longer. */
const seed = Number(process.env.GANTRY_FUZZ_SEED ?? Date.now() % 100_000)
const count = Number(process.env.GANTRY_FUZZ_REQUESTS ?? 2000)
const width = 6
/** Milliseconds until an answer has to begin; the slowest are those of commands that wait for a container to stop. */
const patience = 25_000

/**
 * What Docker answers 500 to as well: registries and web sites cannot be reached from a network host that has nothing but a loopback
 * device, what is disconnected is not connected, ps does not know its arguments.
 */
const faults = /dial tcp|lookup |is not connected to (the )?network|"ps: /

void describe('fuzz', { concurrency: false, skip: engineUnderTest !== 'gantryd' && 'Docker 20.10 answers 500 to much of it' }, () => {
  const stage = {} as Stage
  let clean: Footprint

  before(async () => {
    await sweep()
    const engine = await startEngine({ kind: 'gantryd' })
    Object.assign(stage, makeClient('docker', engine), { engine })
    await provideImages(stage, [tiny])
    clean = await takeFootprint(engine)
  })
  after(async () => {
    try {
      await stage.engine.shutDown()
      await assertNothingLeftOfEngine(stage.engine)
    } finally {
      await stage.engine.remove()
    }
  })

  void test(`${count} malformed requests leave the engine whole (seed ${seed})`, async (context) => {
    context.diagnostic(`GANTRY_FUZZ_SEED=${seed} repeats it`)
    const { engine } = stage
    const pid = engine.pid()
    const began = Date.now()
    const requests = fc.sample(anyRequest(routes), { seed, numRuns: count })
    const problems: string[] = []
    const statuses = new Map<string, number>()
    let sent = 0
    const work = async (share: typeof requests) => {
      for (const request of share) {
        if (sent++ % 100 === 0) await provideContainers()
        const { status, body, hung } = await send(engine.socket, request, patience)
        const family = status === undefined ? 'none' : `${Math.floor(status / 100)}xx`
        statuses.set(family, (statuses.get(family) ?? 0) + 1)
        const fault = status === 500 && !faults.test(body)
        if (hung || fault) problems.push(`${hung ? 'no answer' : `500 ${body.slice(0, 300)}`}\n  to ${request.route}: ${shown(request.head)}\n  ${shown(request.body.toString('latin1'))}`)
      }
    }
    const inParts = async (from: number, to: number) => {
      const part = requests.slice(from, to)
      await Promise.all(Array.from({ length: width }, (_, index) => work(part.filter((__, nth) => nth % width === index))))
      await removeAll()
    }
    await inParts(0, count / 2)
    const early = await residentMemory(pid)
    await inParts(count / 2, count)
    const late = await residentMemory(pid)
    context.diagnostic(`${count} requests in ${Math.round((Date.now() - began) / 1000)} s: ${[...statuses].map(([family, times]) => `${times} × ${family}`).join(', ')}; memory ${early} then ${late} MiB`)

    assert.equal(problems.length, 0, problems.join('\n'))
    assert.equal((await engine.api({ path: '/_ping' })).text, 'OK')
    assert.equal(engine.pid(), pid)
    assert.doesNotMatch(engine.log(), /uncaught|unhandled|TypeError|RangeError|ReferenceError/i)
    assert.ok(late < early * 1.2, `${late} MiB after ${count} requests, ${early} MiB after half of them`)
    await assertNothingLeftOfContainers(engine, clean)
    assert.deepEqual(readdirSync(path.join(engine.dataRoot, 'containers')), [])
    assert.deepEqual(readdirSync(path.join(engine.dataRoot, 'volumes')).filter((name) => !name.endsWith('.db')), [])
  })

  /** Something to aim at; requests may have removed it. */
  async function provideContainers(): Promise<void> {
    for (const [name, Cmd] of [['running', ['sleep', '1000']], ['stopped', ['echo', 'done']]] as const) {
      const { status } = await stage.engine.api({ method: 'POST', path: `/containers/create?name=${name}`, body: JSON.stringify({ Image: tiny, Cmd }) })
      if (status === 201 || name === 'running') await stage.engine.api({ method: 'POST', path: `/containers/${name}/start` })
    }
  }

  /** Everything that was made is whole enough to be looked at and removed. */
  async function removeAll(): Promise<void> {
    const { engine } = stage
    const get = async <T>(place: string) => JSON.parse((await engine.api({ path: place })).text) as T
    const remove = async (place: string) => {
      const inspected = await engine.api({ path: place.startsWith('/containers/') ? `${place}/json` : place })
      assert.equal(inspected.status, 200, inspected.text)
      const removed = await engine.api({ method: 'DELETE', path: `${place}?force=1` })
      assert.ok(removed.status === 204, `cannot remove ${place}: ${removed.text}`)
    }
    for (const { Id } of await get<{ Id: string }[]>('/containers/json?all=1')) await remove(`/containers/${Id}`)
    for (const { Id, Name } of await get<{ Id: string; Name: string }[]>('/networks')) if (!['bridge', 'host', 'none'].includes(Name)) await remove(`/networks/${Id}`)
    for (const { Name } of (await get<{ Volumes: { Name: string }[] | null }>('/volumes')).Volumes ?? []) await remove(`/volumes/${Name}`)
  }
})

/** MiB, once garbage has been collected by itself: the least of some readings. */
async function residentMemory(pid: number): Promise<number> {
  const readings: number[] = []
  for (let reading = 0; reading < 6; reading++) {
    await sleep(500)
    readings.push(Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024)
  }
  return Math.round(Math.min(...readings))
}

function shown(text: string): string {
  return JSON.stringify(text.length > 700 ? `${text.slice(0, 500)} … ${text.length} bytes` : text)
}
