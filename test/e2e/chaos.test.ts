import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { clearChurn, startChurn } from './chaos/churn.ts'
import { type Sailing, assertLives, logDifference, makeFleet, setSail } from './chaos/fleet.ts'
import { randomFrom } from './chaos/random.ts'
import { makeClient } from './harness/client.ts'
import { startEngine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { type Footprint, assertNothingLeftOfContainers, assertNothingLeftOfEngine, takeFootprint } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { sweep } from './harness/private-directory.ts'
import { engineUnderTest, type Stage } from './harness/stories.ts'

/** GANTRY_CHAOS_SEED repeats a run, as far as a machine repeats itself; GANTRY_CHAOS_KILLS makes it longer. */
const seed = Number(process.env.GANTRY_CHAOS_SEED ?? Date.now() % 100_000)
const kills = Number(process.env.GANTRY_CHAOS_KILLS ?? 100)
/** Milliseconds for all of them: a machine with no time to spare gets fewer, and the test says so. */
const patience = 190_000

void describe('chaos', { concurrency: false, skip: engineUnderTest !== 'gantryd' && 'its containers do not survive it' }, () => {
  const stage = {} as Stage
  let clean: Footprint
  let files: string[]
  let descriptors: number
  let sailed = false

  /** Below the exec root and, of containers, below the data root: names without those of one life of the daemon. */
  const filesOf = (): string[] => {
    const { dataRoot, execRoot } = stage.engine
    return [...below(execRoot), ...below(path.join(dataRoot, 'containers')), ...below(path.join(dataRoot, 'volumes'))].toSorted()
  }
  const openDescriptors = () => readdirSync(`/proc/${stage.engine.pid()}/fd`).length
  const inspect = (id: string, template: string) => stage.ok('inspect', '-f', template, id)

  before(async () => {
    await sweep()
    const engine = await startEngine({ kind: 'gantryd' })
    Object.assign(stage, makeClient('docker', engine), { engine })
    await provideImages(stage, [tiny])
    // Name server and proxies leave their logs, once they were needed.
    await stage.ok('network', 'create', 'first')
    await stage.ok('rm', '-f', await stage.ok('run', '-d', '--network', 'first', '-p', '10699:1', tiny, 'sleep', '99'))
    await stage.ok('network', 'rm', 'first')
    await engine.stop()
    await engine.start()
    clean = await takeFootprint(engine)
    files = filesOf()
    descriptors = openDescriptors()
  })
  after(async () => {
    try {
      await stage.engine.shutDown()
      if (sailed) await assertNothingLeftOfEngine(stage.engine)
    } finally {
      await stage.engine.remove()
    }
  })

  void test(`thirty containers do not notice ${kills} kills of the daemon (seed ${seed})`, { timeout: 280_000 }, async (context) => {
    context.diagnostic(`GANTRY_CHAOS_SEED=${seed} repeats it`)
    const { engine } = stage
    const random = randomFrom(seed)
    const began = Date.now()
    const fleet = await setSail(stage, makeFleet())
    const churn = startChurn(engine, randomFrom(seed + 1))
    let kill = 0
    for (; kill < kills && Date.now() - began < patience; kill++) {
      // Every third one does not wait until the daemon answers: it dies in the middle of its recovery.
      if (random(3) === 0) await startAndKill(random(400))
      else {
        await sleep(random(400))
        await engine.kill9()
      }
      await sleep(random(4) === 0 ? random(400) : random(50))
      await engine.start()
      for (const each of fleet) assertLives(each)
    }
    await churn.stop()
    context.diagnostic(`${kill} kills and ${churn.done} requests beside them (${churn.failed} cut off) took ${Math.round((Date.now() - began) / 1000)} s`)
    for (const each of fleet) await assertEnd(each)
    assert.deepEqual(churn.faults, [])
    assert.deepEqual(await clearChurn(engine), [])
    await eventually(() => assert.deepEqual(strayExecs(), [], 'execs are left'))

    await stage.ok('rm', '-f', ...fleet.map(({ id }) => id))
    await assertNothingLeftOfContainers(engine, clean)
    await eventually(() => assert.deepEqual(filesOf(), files))
    // A few more for programs that the first container needed; thirty that leave one each would show.
    await eventually(() => assert.ok(openDescriptors() <= descriptors + 6, `${openDescriptors()} descriptors are open where ${descriptors} were`))
    sailed = true
  })

  async function startAndKill(delay: number): Promise<void> {
    await stage.engine.kill9()
    const starting = stage.engine.start().catch(() => {})
    await sleep(delay)
    await stage.engine.kill9()
    await starting
  }

  async function assertEnd(sailing: Sailing): Promise<void> {
    const { name, id, ends, log, port, health } = sailing
    await eventually(async () => assert.equal(await inspect(id, '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}'), ends, name), 60_000, 300)
    assertLives(sailing)
    if (log !== undefined) {
      const { stdout, code } = await stage.docker('logs', id)
      assert.deepEqual([code, logDifference(log, stdout)], [0, ''], name)
    }
    if (port !== undefined) assert.equal(await stage.engine.host.must(['sh', '-c', `echo sound | /bin/busybox nc -w 5 127.0.0.1 ${port}`]), 'sound', name)
    if (health !== undefined) await eventually(async () => assert.equal(await inspect(id, '{{.State.Health.Status}}'), health, name))
  }

  /** Directories of execs that nobody looks after any more. */
  function strayExecs(): string[] {
    const place = path.join(stage.engine.execRoot, 'containers')
    return readdirSync(place).flatMap((id) => {
      try {
        return readdirSync(path.join(place, id, 'exec')).filter((exec) => hasEnded(path.join(place, id, 'exec', exec)))
      } catch {
        return []
      }
    })
  }
})

function below(place: string): string[] {
  return readdirSync(place, { recursive: true, encoding: 'utf8' }).map((name) => path.join(place, name))
}

function hasEnded(directory: string): boolean {
  try {
    readFileSync(path.join(directory, 'exit'))
    return true
  } catch {
    return false
  }
}
