import type { CgroupLayout } from '../kernel/cgroup/layout.ts'
import { oomKills } from '../kernel/cgroup/oom.ts'
import { ProgramFailure } from '../kernel/failure.ts'
import { GantryError } from '../lib/errors.ts'
import type { OciSpec } from './spec.ts'

const EMFILE = 24
const EPROTO = 71

/**
 * What to say when a container's limits do not let it be made; any other error comes back as it is. A process that the kernel has
 * killed for memory says nothing, and who waited for its word sees the end of a socket. To be asked while the cgroup is there.
 */
export function limitTooLow(error: unknown, { process, linux }: OciSpec, { layout, path }: { layout: CgroupLayout; path: string }): unknown {
  if (!(error instanceof ProgramFailure)) return error
  if (error.errno === EPROTO && oomKills(layout, path) > 0) {
    return new GantryError('System', `container init was OOM-killed (memory limit too low?): linux.resources.memory.limit is ${linux?.resources?.memory?.limit ?? 'not set'}`, { cause: error })
  }
  const files = process?.rlimits?.find(({ type }) => type === 'RLIMIT_NOFILE')
  if (error.errno !== EMFILE || files === undefined) return error
  return new GantryError('System', `cannot make the container with process.rlimits RLIMIT_NOFILE of ${files.soft}: ${error.message}`, { cause: error })
}
