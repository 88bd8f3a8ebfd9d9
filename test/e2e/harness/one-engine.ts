import { after, before } from 'node:test'
import { type Client, makeClient } from './client.ts'
import { type Engine, startEngine } from './engine.ts'
import { assertNothingLeftOfEngine } from './footprint.ts'
import { sweep } from './private-directory.ts'

/** What the tests of one suite have together. */
export interface OneEngine {
  engine: Engine
  docker: Client
}

/** One gantryd for all tests of the suite that calls it. In the end it stops, and nothing of it may be left. */
export function onOneEngine(prepare: (own: OneEngine) => Promise<void>, atEnd: () => Promise<void> | void = () => {}): void {
  let engine: Engine
  before(async () => {
    await sweep()
    engine = await startEngine({ kind: 'gantryd' })
    await prepare({ engine, docker: makeClient('docker', engine) })
  })
  after(async () => {
    try {
      await atEnd()
      await engine.stop()
      await assertNothingLeftOfEngine(engine)
    } finally {
      await engine.remove()
    }
  })
}
