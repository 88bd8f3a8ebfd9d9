import type { Metric } from './metric-text.ts'
import { metricText } from './metric-text.ts'
import { BuildCounter } from './build-counter.ts'
import { Histogram } from './histogram.ts'
import { processMetrics } from './process-metrics.ts'
import { onProbe, onTiming } from './timed.ts'

export interface MetricSources {
  /** GET /info and GET /version: facts about the engine and its host. Asked once. */
  facts: () => Promise<{ info: Record<string, unknown>; version: Record<string, unknown> }>
  containers: () => { running: number; paused: number; stopped: number }
  events: () => { logged: number; subscribers: number }
}

export interface EngineMetrics {
  readonly builds: BuildCounter
  /** In Prometheus' text format. */
  text(): Promise<string>
  close(): void
}

/** Counts from now on, by dockerd's names. Source: what dockerd's /metrics says. */
export function openMetrics(sources: MetricSources): EngineMetrics {
  const timers = histograms()
  const builds = new BuildCounter()
  const probes = { all: 0, failed: 0 }
  const listening = [
    onTiming(({ family, label, seconds }) => timers[family].observe(label, seconds)),
    onProbe(({ failed }) => {
      probes.all++
      if (failed) probes.failed++
    }),
  ]
  let constant: Promise<Metric[]> | undefined
  return {
    builds,
    async text() {
      constant ??= sources.facts().then(factMetrics)
      return metricText([
        ...(await constant),
        ...Object.values(timers).map((timer) => timer.metric()),
        ...stateMetrics(sources),
        counter('engine_daemon_health_checks_total', 'The total number of health checks', probes.all),
        counter('engine_daemon_health_checks_failed_total', 'The total number of failed health checks', probes.failed),
        ...builds.metrics(),
        ...processMetrics(),
      ])
    },
    close() {
      for (const stop of listening) stop()
    },
  }
}

function about(what: string, object: string, label = 'action'): { name: string; help: string; label: string } {
  return { name: `engine_daemon_${what}_seconds`, help: `The number of seconds it takes to ${object}`, label }
}

function histograms() {
  return {
    container_actions: new Histogram({ ...about('container_actions', 'process each container action'), known: ['changes', 'commit', 'create', 'delete', 'start'] }),
    network_actions: new Histogram(about('network_actions', 'process each network action')),
    image_actions: new Histogram(about('image_actions', 'process each image action')),
    host_info_functions: new Histogram(about('host_info_functions', 'call functions gathering info about the host', 'function')),
  }
}

function stateMetrics({ containers, events }: MetricSources): Metric[] {
  const { running, paused, stopped } = containers()
  const { logged, subscribers } = events()
  const states = Object.entries({ paused, running, stopped }).map(([state, value]) => ({ labels: { state }, value }))
  return [
    { name: 'engine_daemon_container_states_containers', type: 'gauge', help: 'The count of containers in various states', samples: states },
    counter('engine_daemon_events_total', 'The number of events logged', logged),
    gauge('engine_daemon_events_subscribers_total', 'The number of current subscribers to events', subscribers),
  ]
}

function factMetrics({ info, version }: Awaited<ReturnType<MetricSources['facts']>>): Metric[] {
  const labels = Object.fromEntries(
    Object.entries({
      architecture: info['Architecture'],
      commit: version['GitCommit'],
      daemon_id: info['ID'],
      graphdriver: info['Driver'],
      kernel: info['KernelVersion'],
      os: info['OperatingSystem'],
      os_type: info['OSType'],
      os_version: info['OSVersion'],
      version: version['Version'],
    }).map(([name, value]) => [name, typeof value === 'string' ? value : '']),
  )
  return [
    { name: 'engine_daemon_engine_info', type: 'gauge', help: 'The information related to the engine and the OS it is running on', samples: [{ labels, value: 1 }] },
    gauge('engine_daemon_engine_cpus_cpus', 'The number of cpus that the host system of the engine has', Number(info['NCPU'])),
    gauge('engine_daemon_engine_memory_bytes', 'The number of bytes of memory that the host system of the engine has', Number(info['MemTotal'])),
  ]
}

function counter(name: string, help: string, value: number): Metric {
  return { name, help, type: 'counter', samples: [{ value }] }
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: 'gauge', samples: [{ value }] }
}
