import { makesNew, type Namespaces } from '../namespaces.ts'
import type { OciMount, OciNamespace } from '../spec.ts'
import type { UserNamespace } from '../user-namespace.ts'

/** File systems that show a namespace: only who owns that namespace may mount them. */
const shows = new Map<string, { namespace: OciNamespace; path: string }>([
  ['proc', { namespace: 'pid', path: '/proc' }],
  ['sysfs', { namespace: 'network', path: '/sys' }],
  ['mqueue', { namespace: 'ipc', path: '/dev/mqueue' }],
])

/**
 * In a new user namespace that shares, say, its network namespace with the host, sysfs cannot be mounted; the host's own is
 * bound instead.
 */
export function bindSharedKernelFiles(mounts: readonly OciMount[], namespaces: Namespaces, users: UserNamespace): OciMount[] {
  if (users.kind !== 'new') return [...mounts]
  return mounts.map((mount) => {
    const shown = shows.get(mount.type ?? '')
    if (shown === undefined || makesNew(namespaces, shown.namespace)) return mount
    const options = (mount.options ?? []).map((option) => (option === 'ro' ? 'rro' : option))
    return { destination: mount.destination, type: 'bind', source: shown.path, options: ['rbind', 'rslave', ...options] }
  })
}

/** devpts is refused when it is to give terminals to a group that the user namespace has not. */
export function withoutForeignGroup(mounts: readonly OciMount[], hasGroup: (gid: number) => boolean): OciMount[] {
  return mounts.map((mount) => {
    if (mount.type !== 'devpts' || mount.options === undefined) return mount
    return { ...mount, options: mount.options.filter((option) => !option.startsWith('gid=') || hasGroup(Number(option.slice('gid='.length)))) }
  })
}
