import type { StatsOptions } from '../engine.ts'
import type { ContainerStats } from '../types/container-stats.ts'
import type { Container } from './container.ts'
import { statsFrame } from './stats-frame.ts'
import { readSample, type StatsReader } from './stats-reader.ts'

/** A stopped container has one frame of zeros; asked for a stream, it has one a second. */
export async function* containerStats(reader: StatsReader, container: Container, { mode, signal }: StatsOptions): AsyncGenerator<ContainerStats> {
  const runs = container.state.Running && !container.state.Restarting
  if (mode === 'stream') yield* reader.frames(container, signal)
  else if (mode === 'one-shot' || !runs) yield statsFrame(container, readSample(container), undefined)
  else yield* secondOf(reader.frames(container, signal, { soon: true }))
}

/** The first frame has nothing to compare with: shares of the CPU would be those since boot. */
async function* secondOf(frames: AsyncGenerator<ContainerStats>): AsyncGenerator<ContainerStats> {
  let seen = 0
  for await (const frame of frames) {
    seen += 1
    if (seen < 2) continue
    yield frame
    return
  }
}
