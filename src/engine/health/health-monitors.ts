import { messageOf } from '../../lib/errors.ts'
import { emitContainerEvent } from '../containers/container-events.ts'
import type { Container } from '../containers/container.ts'
import type { ContainersContext } from '../containers/context.ts'
import { tellProbe } from '../metrics/timed.ts'
import { probeCommand, probeInterval } from './health-config.ts'
import { healthAfter, startingHealth, type ProbeResult } from './health-state.ts'
import { runProbe } from './run-probe.ts'

/** Who is looked after: one timer and at most one probe for each running container that has a health check. */
export class HealthMonitors {
  readonly #ctx: () => ContainersContext
  readonly #running = new Map<string, Monitor>()

  /** `context` is asked for late: containers and their monitors know each other. */
  constructor(context: () => ContainersContext) {
    this.#ctx = context
  }

  /** Looks after a container that runs, going on from the health that it has. Nothing for one without a check. */
  begin(container: Container): void {
    const command = probeCommand(container.config)
    if (command === undefined || this.#running.has(container.id)) return
    container.state.Health ??= startingHealth(undefined)
    const monitor: Monitor = { container, command, aborter: new AbortController(), timer: undefined }
    this.#running.set(container.id, monitor)
    this.#schedule(monitor)
  }

  /** No more probes; one that runs is killed and its result does not count. */
  end(container: Container): void {
    const monitor = this.#running.get(container.id)
    if (monitor === undefined) return
    this.#running.delete(container.id)
    clearTimeout(monitor.timer)
    monitor.aborter.abort()
  }

  /** The engine goes; probes that run end by themselves. */
  close(): void {
    for (const { container } of this.#running.values()) this.end(container)
  }

  #schedule(monitor: Monitor): void {
    const { config, state } = monitor.container
    const ranFor = Date.now() - Date.parse(state.StartedAt)
    const delay = probeInterval(config.Healthcheck ?? {}, { starting: state.Health?.Status === 'starting', ranFor })
    monitor.timer = setTimeout(() => void this.#probe(monitor), Math.min(delay, longestTimer))
  }

  async #probe(monitor: Monitor): Promise<void> {
    const { container, command, aborter } = monitor
    const result = await runProbe(this.#ctx(), container, { command, signal: aborter.signal })
    if (aborter.signal.aborted) return
    tellProbe({ failed: result.ExitCode !== 0 })
    this.#record(container, result)
    this.#schedule(monitor)
  }

  #record(container: Container, result: ProbeResult): void {
    const ctx = this.#ctx()
    const { state, config } = container
    const before = state.Health ?? startingHealth(undefined)
    state.Health = healthAfter(before, result, { config: config.Healthcheck ?? {}, startedAt: state.StartedAt })
    try {
      ctx.store.save(container)
    } catch (error) {
      ctx.log(`cannot record the health of container ${container.id}: ${messageOf(error)}`)
    }
    const { Status } = state.Health
    if (Status !== before.Status) emitContainerEvent(ctx, container, `health_status: ${Status}`)
  }
}

/** setTimeout's longest delay, milliseconds. */
const longestTimer = 2 ** 31 - 1

interface Monitor {
  container: Container
  command: string[]
  aborter: AbortController
  timer: NodeJS.Timeout | undefined
}

/** For a run that begins: what was known of the one before does not count. */
export function resetHealth(container: Container): void {
  if (probeCommand(container.config) === undefined) delete container.state.Health
  else container.state.Health = startingHealth(container.state.Health)
}

/** A container that does not run is unhealthy to Docker. */
export function endHealth({ state }: Container): void {
  if (state.Health !== undefined) state.Health = { ...state.Health, Status: 'unhealthy' }
}
