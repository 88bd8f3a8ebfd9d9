import type { OciNamespace } from '../../runc/spec.ts'
import type { SpecInput } from './input.ts'

type Namespace = { type: OciNamespace; path?: string }

/**
 * A container has a namespace of its own of every kind, unless a mode shares the host's (no entry) or another
 * container's (an entry with a path); the user namespace is the host's unless there are ids for one. The cgroup namespace is private on every cgroup version.
 */
export function namespacesOf(input: SpecInput): Namespace[] {
  const { hostConfig, joined, host } = input
  const namespaces: Namespace[] = [{ type: 'mount' }]
  const add = (type: OciNamespace, file: string, mode: string | undefined, pid: number | undefined): void => {
    if (isHost(mode)) return
    namespaces.push(isContainer(mode) ? { type, path: `/proc/${joinedPid(type, pid)}/ns/${file}` } : { type })
  }
  if (input.users !== undefined) namespaces.push(input.users.joined === undefined ? { type: 'user' } : { type: 'user', path: `/proc/${input.users.joined}/ns/user` })
  add('network', 'net', hostConfig.NetworkMode, joined?.network)
  add('uts', 'uts', hostConfig.UTSMode, undefined)
  add('pid', 'pid', hostConfig.PidMode, joined?.pid)
  add('ipc', 'ipc', hostConfig.IpcMode, joined?.ipc)
  add('cgroup', 'cgroup', hostConfig.CgroupnsMode, undefined)
  if (host.timeNamespace) namespaces.push({ type: 'time' })
  return namespaces
}

export function isHost(mode: string | undefined): boolean {
  return mode === 'host'
}

export function isContainer(mode: string | undefined): boolean {
  return mode?.startsWith('container:') ?? false
}

function joinedPid(type: string, pid: number | undefined): number {
  if (pid === undefined) throw new Error(`cannot join the ${type} namespace of a container: its process is not given`)
  return pid
}
