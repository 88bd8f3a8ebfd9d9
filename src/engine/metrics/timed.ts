import { channel } from 'node:diagnostics_channel'

/** What took how long. `label` is the action or function. */
export interface Timing {
  family: 'container_actions' | 'network_actions' | 'image_actions' | 'host_info_functions'
  label: string
  seconds: number
}

/** Nobody listens unless --metrics-addr is given, and then nothing is measured. */
const timings = channel('gantry:timing')
const probes = channel('gantry:health-check')

/** Runs `work` and tells how long it took; of what fails nothing is told, as with Docker. */
export async function timed<Result>(family: Timing['family'], label: string, work: () => Promise<Result>): Promise<Result> {
  if (!timings.hasSubscribers) return await work()
  const begin = performance.now()
  const result = await work()
  timings.publish({ family, label, seconds: (performance.now() - begin) / 1000 } satisfies Timing)
  return result
}

export function onTiming(listener: (timing: Timing) => void): () => void {
  const hear = (message: unknown): void => listener(message as Timing)
  timings.subscribe(hear)
  return () => {
    timings.unsubscribe(hear)
  }
}

/** A health check has ended. */
export function tellProbe(probe: { failed: boolean }): void {
  probes.publish(probe)
}

export function onProbe(listener: (probe: { failed: boolean }) => void): () => void {
  const hear = (message: unknown): void => listener(message as { failed: boolean })
  probes.subscribe(hear)
  return () => {
    probes.unsubscribe(hear)
  }
}
