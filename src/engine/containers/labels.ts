import { GantryError } from '../../lib/errors.ts'
import { isKnownContext } from '../../kernel/selinux.ts'
import { relabel } from '../security/relabel.ts'
import { containerLabels, parse, type ContainerLabels } from '../security/selinux-labels.ts'
import type { HostConfig } from '../types/host-config.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/** SELinux labels of a container to be made; undefined where SELinux is not enabled. @throws InvalidParameter */
export function labelsFor(ctx: ContainersContext, hostConfig: HostConfig): ContainerLabels | undefined {
  const contexts = ctx.security.selinux
  if (contexts === undefined) return undefined
  const taken = new Set(ctx.registry.all().flatMap(({ labels }) => (labels === undefined ? [] : [parse(labels.mount).level])))
  const labels = containerLabels(hostConfig, { contexts, taken, inherited: inheritedFrom(ctx, hostConfig) })
  const unknown = Object.values(labels).find((label) => label !== '' && !isKnownContext(label))
  if (unknown !== undefined) throw new GantryError('InvalidParameter', `cannot use SELinux label ${unknown}: the policy of this host does not know it`)
  return labels
}

/** Who shares processes or memory has to have the same rights over them. */
function inheritedFrom(ctx: ContainersContext, { IpcMode, PidMode }: HostConfig): string | undefined {
  const mode = [IpcMode, PidMode].find((each) => each?.startsWith('container:'))
  const other = mode === undefined ? undefined : ctx.registry.find(mode.slice('container:'.length))
  return other?.labels?.process
}

/** Before a start: the engine's files, volumes, and binds with :z or :Z get the container's label. */
export async function relabelMounts(ctx: ContainersContext, container: Container, files: readonly string[]): Promise<void> {
  const label = container.labels?.mount
  if (label === undefined || ctx.security.selinux === undefined) return
  for (const file of files) await relabel(ctx.kernel, file, { label, shared: false })
  for (const { Type, Source, Mode } of container.mounts) {
    const modes = Mode.split(',')
    if (modes.includes('Z')) await relabel(ctx.kernel, Source, { label, shared: false })
    else if (modes.includes('z') || Type === 'volume') await relabel(ctx.kernel, Source, { label, shared: true })
  }
}
