import { cgroupDirectory } from '../kernel/cgroup/layout.ts'
import { AT_FDCWD } from '../kernel/constants/files.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { CgroupPlan } from './cgroups.ts'
import { makesNew } from './namespaces.ts'
import { hostId, type UserNamespace } from './user-namespace.ts'
import type { ValidSpec } from './validate.ts'

const ENOENT = 2
const needed = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads']
/** What else /sys/kernel/cgroup/delegate lists, which not every kernel has. */
const further = ['memory.oom.group', 'memory.reclaim']

/**
 * Hands a v2 cgroup over to the root of the container's user namespace (cgroup-v2.rst, "Delegation"), when the container sees it
 * as the top and may write to it. The files of its own limits stay the host's.
 */
export function delegateCgroup(builder: ProgramBuilder, plan: CgroupPlan, spec: ValidSpec, users: UserNamespace): void {
  const [owner, group] = [hostId(users.uids, 0), hostId(users.gids, 0)]
  const writable = spec.mounts.some(({ type, options = [] }) => (type === 'cgroup' || type === 'cgroup2') && !options.includes('ro'))
  const hierarchy = plan.layout.hierarchies[0]
  if (plan.layout.mode !== 'v2' || hierarchy === undefined || users.kind !== 'new' || !users.privileged) return
  if (!writable || !makesNew(spec.linux.namespaces, 'cgroup') || owner === undefined || group === undefined) return
  const directory = cgroupDirectory(hierarchy, plan.path)
  const give = (path: string, ignore: readonly number[]): void => {
    builder.call(`give ${path} to ${owner}:${group}`, 'fchownat', [AT_FDCWD, builder.string(path), owner, group, 0], { ignore })
  }
  give(directory, [])
  for (const file of needed) give(`${directory}/${file}`, [])
  for (const file of further) give(`${directory}/${file}`, [ENOENT])
}
