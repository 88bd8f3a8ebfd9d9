import type { ContainerConfig } from '../../engine/types/container-config.ts'
import type { Image } from '../../containerd/images/contract.ts'
import type { Plan } from '../plan/contract.ts'

type History = Image['history'][number]

export interface DocumentParts {
  plan: Plan
  diffIds: readonly string[]
  /** When the layer of an entry of the plan's history was made, milliseconds since the epoch. */
  created: (entry: Plan['history'][number]) => number | undefined
  /** A layer that no instruction has made (FROM of a context): it comes before all others. */
  ownLayers: number
  /** Seconds: nothing is younger. */
  sourceDateEpoch: number | undefined
}

/** The image's configuration as BuildKit writes it: keys in order, times those of layers, so that the same steps give the same id. */
export function imageDocument({ plan, diffIds, created, ownLayers, sourceDateEpoch }: DocumentParts): Record<string, unknown> {
  const history = withTimes(
    [
      ...(plan.base?.history ?? []).map((entry) => ({ ...entry })),
      ...Array.from({ length: ownLayers }, (): History => ({ created_by: 'FROM context', comment: 'buildkit.dockerfile.v0' })),
      ...plan.history.map((entry): History => {
        const time = created(entry)
        return { ...(time !== undefined && { created: new Date(time).toISOString() }), created_by: entry.created_by, comment: entry.comment, ...(entry.step === undefined && { empty_layer: true }) }
      }),
    ],
    { before: plan.base?.history.length ?? 0, sourceDateEpoch },
  )
  const { os, architecture, variant } = plan.platform
  return {
    architecture,
    ...(plan.author !== undefined && { author: plan.author }),
    config: imageConfig(plan.config),
    created: history.at(-1)?.created ?? timeText(0),
    history,
    os,
    rootfs: { type: 'layers', diff_ids: diffIds },
    ...(variant !== undefined && { variant }),
  }
}

/** What has no layer has the time of the layer before it, or of the first new one. */
function withTimes(history: History[], { before, sourceDateEpoch }: { before: number; sourceDateEpoch: number | undefined }): History[] {
  const first = history.slice(before).find((entry) => entry.created !== undefined)?.created
  let last = first ?? history[before - 1]?.created ?? timeText(0)
  return history.map((entry, at) => {
    if (at < before) return entry
    last = entry.created ?? last
    const { created_by, comment, empty_layer } = entry
    return { created: cut(last, sourceDateEpoch), created_by, comment, ...(empty_layer && { empty_layer }) }
  })
}

function cut(time: string, epoch: number | undefined): string {
  return epoch !== undefined && Date.parse(time) > epoch * 1000 ? timeText(epoch * 1000) : time
}

/** RFC 3339 as Go prints it: without a fraction of zeros. */
function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.?0*Z$/, 'Z')
}

/** Only what is set, in the order of Go's struct. */
function imageConfig(config: ContainerConfig): Record<string, unknown> {
  const { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, ArgsEscaped, Healthcheck, OnBuild, StopTimeout, Shell } = config
  return {
    ...(User && { User }),
    ...(filled(ExposedPorts) && { ExposedPorts: sorted(ExposedPorts) }),
    ...(Env?.length && { Env }),
    ...(Entrypoint?.length && { Entrypoint }),
    ...(Cmd?.length && { Cmd }),
    ...(filled(Volumes) && { Volumes: sorted(Volumes) }),
    ...(WorkingDir && { WorkingDir }),
    ...(filled(Labels) && { Labels: sorted(Labels) }),
    ...(StopSignal && { StopSignal }),
    ...(ArgsEscaped && { ArgsEscaped }),
    ...(Healthcheck && { Healthcheck }),
    ...(OnBuild?.length && { OnBuild }),
    ...(StopTimeout !== undefined && StopTimeout !== null && { StopTimeout }),
    ...(Shell?.length && { Shell }),
  }
}

function filled<Value>(map: Record<string, Value> | null | undefined): map is Record<string, Value> {
  return map !== null && map !== undefined && Object.keys(map).length > 0
}

function sorted<Value>(map: Record<string, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(map).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
