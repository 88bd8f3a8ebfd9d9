import { after, before, describe } from 'node:test'
import { type Client, type ClientKind, makeClient } from './client.ts'
import { type Engine, type EngineKind, startEngine } from './engine.ts'
import { type Footprint, assertNothingLeftOfContainers, assertNothingLeftOfEngine, takeFootprint } from './footprint.ts'
import { provideImages, tiny, tools } from './image.ts'
import { sweep } from './private-directory.ts'
import { read } from './processes.ts'

/** The engine and the clients under test; the stock ones show that an expectation is Docker's and not ours. */
export const engineUnderTest = (process.env.GANTRY_E2E_ENGINE ?? 'gantryd') as EngineKind
const clients = (process.env.GANTRY_E2E_CLIENTS ?? 'docker,gantry').split(',') as ClientKind[]

/** The original cannot run privileged containers where the host itself lacks a capability; Gantry clips the set. */
export const privilegedMissing = { skip: engineUnderTest === 'dockerd' && lacksCapability() && 'this host lacks a capability, and runc insists' }

export type Stage = Client & { engine: Engine }

export { tiny, tools } from './image.ts'

export interface StageOptions {
  images?: string[]
  flags?: string[]
  /** As in `EngineOptions`; asked before each engine. */
  enter?: () => string[]
}

/**
 * Tells the same stories once through each client, each time on a new engine. Afterwards every container is removed, then the
 * engine is stopped, and both times nothing may be left. `stage` is filled before the first test.
 */
export function throughEachClient(title: string, tell: (stage: Stage) => void, options: StageOptions = {}): void {
  for (const kind of clients) {
    void describe(`${title}, by ${kind} on ${engineUnderTest}`, { concurrency: false }, () => {
      const stage = {} as Stage
      let clean: Footprint
      let ready = false
      before(async () => {
        await sweep()
        const engine = await startEngine({ kind: engineUnderTest, flags: options.flags, enter: options.enter?.() })
        Object.assign(stage, makeClient(kind, engine), { engine })
        try {
          clean = await takeFootprint(engine)
          await provideImages(stage, options.images ?? [tiny, tools])
        } catch (error) {
          await engine.remove()
          throw error
        }
        ready = true
      })
      tell(stage)
      // Registered last: what the stories clean up themselves comes first.
      after(async () => {
        if (!ready) return
        try {
          await removeContainers(stage)
          await assertNothingLeftOfContainers(stage.engine, clean)
          await stage.engine.shutDown()
          await assertNothingLeftOfEngine(stage.engine)
        } finally {
          await stage.engine.remove()
        }
      })
    })
  }
}

async function removeContainers(stage: Stage): Promise<void> {
  const { text } = await stage.engine.api({ path: '/containers/json?all=1' })
  const ids = (JSON.parse(text) as { Id: string }[]).map(({ Id }) => Id)
  if (ids.length > 0) await stage.ok('rm', '-f', ...ids)
}

function lacksCapability(): boolean {
  const last = Number(read('/proc/sys/kernel/cap_last_cap'))
  const held = BigInt(`0x${/^CapBnd:\t(\w+)$/m.exec(read('/proc/self/status'))?.[1] ?? '0'}`)
  return held !== (1n << BigInt(last + 1)) - 1n
}
