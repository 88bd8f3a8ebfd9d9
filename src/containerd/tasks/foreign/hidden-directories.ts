import type { CgroupLayout } from '../../../kernel/cgroup/layout.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { OciSpec } from '../../../runc/spec.ts'

/** Host directories that a runtime sees empty, in a mount namespace of its own. */
export type HiddenDirectories = readonly string[]

const families = new Map<string, string>()

/**
 * What has to be out of a runtime's sight for it to work on this host:
 * - crun refuses v1 hosts that also have a v2 tree with controllers in it ("hybrid mode not supported"). Without sight of
 *   that tree it takes the host for what it is otherwise, v1.
 * - runsc takes the network namespace of a container for the host's when /proc/sys/net/core/rmem_default is there. Since
 *   Linux 6.10 it is there in every one. Where the namespace is the host's, runsc goes on refusing.
 */
export async function hiddenDirectories(host: { kernel: Pick<Kernel, 'tool'>; layout: CgroupLayout; path: string; spec: OciSpec | undefined }): Promise<HiddenDirectories> {
  const family = await familyOf(host.kernel, host.path)
  if (family === 'crun') return host.layout.mode === 'hybrid' ? unifiedTrees(host.layout) : []
  if (family === 'runsc' && hasOwnNetwork(host.spec)) return ['/proc/sys/net']
  return []
}

/** The first word of what it says of its version. */
async function familyOf(kernel: Pick<Kernel, 'tool'>, path: string): Promise<string> {
  const known = families.get(path)
  if (known !== undefined) return known
  const { code, stdout } = await kernel.tool([path, '--version'])
  const family = code === 0 ? (/^(\S+) version/.exec(stdout)?.[1] ?? '') : ''
  if (code === 0) families.set(path, family)
  return family
}

function unifiedTrees({ hierarchies }: CgroupLayout): string[] {
  return hierarchies
    .filter(({ version, controllers }) => version === 2 && controllers.length > 0)
    .map(({ mountpoint }) => mountpoint)
}

function hasOwnNetwork(spec: OciSpec | undefined): boolean {
  return spec?.linux?.namespaces?.some(({ type }) => type === 'network') === true
}
