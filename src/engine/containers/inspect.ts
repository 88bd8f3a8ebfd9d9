import type { ContainerInspect, ContainerState } from '../engine.ts'
import { apparmorProfileOf } from '../spec/security-options.ts'
import { stateWord } from './container.ts'
import type { Container, RecordedState } from './container.ts'
import type { ContainersContext } from './context.ts'
import { shownConfig, shownHostConfig } from './complete-config.ts'
import { linksView } from './linked-hosts.ts'
import { mountView } from './mounts.ts'
import { networkSettings } from './network-settings.ts'
import { exposedShown, portsShown } from './shown-ports.ts'
import { logPath } from './record-file.ts'
import { protectedPaths } from '../spec/masked-paths.ts'
import type { HostConfig } from '../types/host-config.ts'

export async function inspectContainer(ctx: ContainersContext, container: Container, options: { size: boolean }): Promise<ContainerInspect> {
  const paths = networkFileOwner(ctx, container)
  const own = ctx.store.paths(container.id)
  const execs = ctx.execs.idsOf(container.id)
  return {
    Id: container.id,
    Created: container.created,
    Path: container.path,
    Args: container.args,
    State: stateView(container.state),
    Image: container.imageId,
    ResolvConfPath: container.hasBeenStartedBefore ? paths.resolvConf : '',
    HostnamePath: container.hasBeenStartedBefore ? paths.hostname : '',
    HostsPath: container.hasBeenStartedBefore ? paths.hosts : '',
    LogPath: logPath(container, own),
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: container.driver,
    Platform: 'linux',
    MountLabel: container.labels?.mount ?? '',
    ProcessLabel: container.labels?.process ?? '',
    AppArmorProfile: container.hasBeenStartedBefore ? apparmorProfileOf(container.hostConfig, ctx.security) : '',
    ExecIDs: execs.length === 0 ? null : execs,
    HostConfig: shownHostConfig({ ...withProtectedPaths(portsShown(container.hostConfig)), Links: linksView(ctx, container) }),
    GraphDriver: { Data: { ID: container.id, ...ctx.snapshotter.graphData(container.id) }, Name: ctx.snapshotter.name },
    ...(options.size ? await sizes(ctx, container) : {}),
    Mounts: container.mounts.map(mountView),
    Config: shownConfig({ ...exposedShown(container.config), ...ownMacAddress(container) }),
    NetworkSettings: networkSettings(container),
    ...(container.imageManifest && { ImageManifestDescriptor: container.imageManifest }),
  }
}

/** The address that was asked for, where it was before API 1.44: there are still those who look for it. */
function ownMacAddress({ hostConfig: { NetworkMode = 'default' }, networks }: Container): { MacAddress?: string } {
  const mac = networks[NetworkMode === 'default' ? 'bridge' : NetworkMode]?.DesiredMacAddress
  return mac ? { MacAddress: mac } : {}
}

/** Docker shows the lists that hold, and none for a privileged container. */
function withProtectedPaths(hostConfig: HostConfig): HostConfig {
  if (hostConfig.Privileged) return hostConfig
  const { maskedPaths, readonlyPaths } = protectedPaths(hostConfig)
  return { ...hostConfig, MaskedPaths: maskedPaths, ReadonlyPaths: readonlyPaths }
}

/** Bytes of the writable layer, and of it with the image. */
export async function sizes(ctx: ContainersContext, container: Container): Promise<{ SizeRw: number; SizeRootFs: number }> {
  const written = await ctx.snapshotter.usage(container.id)
  return { SizeRw: written, SizeRootFs: written + (ctx.images.find(container.imageId)?.size ?? 0) }
}

/** A container that joins another's network uses that one's files. */
function networkFileOwner(ctx: ContainersContext, container: Container): ReturnType<ContainersContext['store']['paths']> {
  const mode = container.hostConfig.NetworkMode ?? ''
  return ctx.store.paths(mode.startsWith('container:') ? mode.slice('container:'.length) : container.id)
}

function stateView(state: RecordedState): ContainerState {
  const { Running, Paused, Restarting, OOMKilled, Dead, Pid, ExitCode, Error, StartedAt, FinishedAt, Health } = state
  return { Status: stateWord(state), Running, Paused, Restarting, OOMKilled, Dead, Pid, ExitCode, Error, StartedAt, FinishedAt, ...(Health && { Health }) }
}
