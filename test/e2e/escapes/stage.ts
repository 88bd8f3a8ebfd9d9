import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe } from 'node:test'
import { type Client, makeClient } from '../harness/client.ts'
import { type Engine, startEngine } from '../harness/engine.ts'
import { type Footprint, assertNothingLeftOfContainers, assertNothingLeftOfEngine, takeFootprint } from '../harness/footprint.ts'
import { provideImages, tools } from '../harness/image.ts'
import { sweep } from '../harness/private-directory.ts'
import { must } from '../harness/run.ts'
import { engineUnderTest } from '../harness/stories.ts'
import { type Bait, layBait } from './bait.ts'

/** An engine with an image of tools, programs that attack it, and something on the host that is worth an attack. */
export interface EscapeStage extends Client {
  readonly engine: Engine
  /** Flags that put the attacking programs into a container, at /attack. */
  readonly armed: readonly string[]
  /** Host directory of the attacking programs. */
  readonly attackers: string
  readonly bait: Bait
  /** A private directory of the host for one test. */
  place(name: string): string
}

const sources = path.join(import.meta.dirname, 'attackers')

/** Tells stories of attacks on one engine. After them it leaves nothing behind, and the bait is untouched. */
export function attackEngine(title: string, tell: (stage: EscapeStage) => void): void {
  void describe(`${title}, on ${engineUnderTest}`, { concurrency: false }, () => {
    const stage = {} as EscapeStage
    let clean: Footprint
    let ready = false
    before(async () => {
      await sweep()
      const engine = await startEngine({ kind: engineUnderTest })
      try {
        const attackers = await compileAttackers(path.join(engine.directory, 'attack'))
        Object.assign(stage, makeClient('docker', engine), {
          engine,
          attackers,
          armed: ['-v', `${attackers}:/attack:ro`],
          bait: await layBait(path.join(engine.directory, 'bait')),
          place: (name: string) => makePlace(engine, name),
        })
        clean = await takeFootprint(engine)
        await provideImages(stage, [tools])
      } catch (error) {
        await engine.remove()
        throw error
      }
      ready = true
    })
    tell(stage)
    after(async () => {
      if (!ready) return
      try {
        await stage.bait.assertUntouched()
        const ids = (await stage.ok('ps', '-aq')).split('\n').filter(Boolean)
        if (ids.length > 0) await stage.ok('rm', '-f', ...ids)
        await assertNothingLeftOfContainers(stage.engine, clean)
        await stage.engine.shutDown()
        await assertNothingLeftOfEngine(stage.engine)
      } finally {
        await stage.engine.remove()
      }
    })
  })
}

export async function compileAttackers(directory: string): Promise<string> {
  mkdirSync(directory, { recursive: true })
  for (const source of readdirSync(sources).filter((name) => name.endsWith('.c'))) {
    await must(['gcc', '-static', '-O1', '-o', path.join(directory, source.slice(0, -2)), path.join(sources, source)])
  }
  return directory
}

function makePlace(engine: Engine, name: string): string {
  const directory = path.join(engine.directory, 'places', name)
  mkdirSync(directory, { recursive: true })
  return directory
}
