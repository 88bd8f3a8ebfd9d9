import type { ContainerSummary, Filters } from '../engine.ts'
import { stateWord } from './container.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { sizes } from './inspect.ts'
import { containerTest } from './list-filters.ts'
import { mountView } from './mounts.ts'
import { endpointView, portSummaries } from './network-settings.ts'
import { statusText } from './status-text.ts'

export interface ListContainers {
  all: boolean
  limit: number
  size: boolean
  filters: Filters
}

/** Newest first. Only running ones, unless all, a limit or a status is asked for. */
export async function listContainers(ctx: ContainersContext, options: ListContainers): Promise<ContainerSummary[]> {
  const test = containerTest(ctx, options.filters)
  const stoppedToo = options.all || options.limit > 0 || options.filters.has('status')
  const found = ctx.registry
    .all()
    .toSorted(byCreation)
    .filter((container) => (stoppedToo || container.state.Running) && test(container))
  const at = Date.now()
  return Promise.all((options.limit > 0 ? found.slice(0, options.limit) : found).map((container) => summarise(ctx, container, { at, size: options.size })))
}

function byCreation(one: Container, other: Container): number {
  if (one.created === other.created) return 0
  return Date.parse(other.created) - Date.parse(one.created) || (one.created < other.created ? 1 : -1)
}

async function summarise(ctx: ContainersContext, container: Container, options: { at: number; size: boolean }): Promise<ContainerSummary> {
  const { Annotations, NetworkMode = '' } = container.hostConfig
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: imageName(ctx, container),
    ImageID: container.imageId,
    Command: [container.path, ...container.args.map((word) => (word.includes(' ') ? `'${word}'` : word))].join(' '),
    Created: Math.floor(Date.parse(container.created) / 1000),
    Ports: portSummaries(container),
    ...(options.size ? await sizes(ctx, container) : {}),
    Labels: container.config.Labels ?? {},
    State: stateWord(container.state),
    Status: statusText(container.state, options.at),
    HostConfig: { NetworkMode, ...(Annotations === undefined ? {} : { Annotations }) },
    NetworkSettings: { Networks: Object.fromEntries(Object.entries(container.networks).map(([name, settings]) => [name, endpointView(settings)])) },
    Mounts: container.mounts.map(mountView),
    ...(container.imageManifest && { ImageManifestDescriptor: container.imageManifest }),
  }
}

/** The name it was made from, as long as that still means this image. */
function imageName(ctx: ContainersContext, container: Container): string {
  const name = container.config.Image ?? ''
  return ctx.images.find(name)?.id === container.imageId ? name : container.imageId
}
