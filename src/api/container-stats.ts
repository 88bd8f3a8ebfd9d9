import { GantryError } from '../lib/errors.ts'
import type { StatsOptions } from '../engine/engine.ts'
import type { Call } from './call.ts'

/** GET /containers/{name}/stats: a stream of documents unless `stream` is false. */
export async function containerStats(call: Call): Promise<void> {
  const frames = await call.engine.containers.stats(call.ref, { mode: modeOf(call), signal: call.signal() })
  call.begin('application/json')
  for await (const frame of frames) await call.write(frame)
  call.response.end()
}

function modeOf({ query, minor }: Call): StatsOptions['mode'] {
  const stream = query.bool('stream', true)
  // one-shot came with API 1.41.
  const oneShot = query.bool('one-shot') && minor >= 41
  if (stream && oneShot) throw new GantryError('InvalidParameter', 'cannot have stream=true and one-shot=true')
  if (stream) return 'stream'
  return oneShot ? 'one-shot' : 'single'
}
