/** Kinds of namespaces by nsenter's flags. */
export const namespaceFlags = { mount: 'm', uts: 'u', ipc: 'i', net: 'n', pid: 'p', cgroup: 'C', user: 'U' } as const

export type NamespaceKind = keyof typeof namespaceFlags

export interface Entering {
  pid: number
  /** None: all of them. */
  kinds: readonly NamespaceKind[]
  /** The host's own files and programs, with the container's processes in /proc. */
  hostTools: boolean
  command: readonly string[]
}

/** The command that goes into a container's namespaces, by util-linux's programs. */
export function nsenterCommand({ pid, kinds, hostTools, command }: Entering): string[] {
  if (!hostTools) return ['nsenter', '--target', String(pid), ...(kinds.length === 0 ? ['--all'] : kinds.map((kind) => `-${namespaceFlags[kind]}`)), '--', ...command]
  const others = (Object.keys(namespaceFlags) as NamespaceKind[]).filter((kind) => kind !== 'mount' && kind !== 'user')
  const entered = kinds.length === 0 ? others : kinds.filter((kind) => kind !== 'mount')
  const flags = entered.map((kind) => `-${namespaceFlags[kind]}`)
  // A copy of the host's mounts, where only /proc is another one: the processes that are seen are those of the namespace.
  const view = entered.includes('pid') ? ['unshare', '--mount', '--mount-proc', '--'] : []
  return ['nsenter', '--target', String(pid), ...flags, '--', ...view, ...command]
}
