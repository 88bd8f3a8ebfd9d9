import type { OciMount } from '../../runc/spec.ts'
import type { SpecInput } from './input.ts'
import { isContainer, isHost } from './namespaces.ts'
import { parseSecurityOptions } from './security-options.ts'
import { bindMount, userMounts } from './user-mounts.ts'

const defaultShmSize = 64 * 1024 * 1024

/** Where --init puts the init of the container. */
export const initDestination = '/sbin/docker-init'

/** Kernel file systems that stay writable with a read-only root: the container could not work without. */
const writableUnderReadonlyRoot = new Set(['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'])

/** All mounts in the order in which they are made: kernel file systems, the engine's files, the user's. */
export function mountsOf(input: SpecInput): OciMount[] {
  const user = userMounts(input)
  const taken = new Set(user.map((mount) => mount.destination))
  const system = systemMounts(input).filter(
    ({ destination }) => !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/')),
  )
  return [...system, ...engineMounts(input, taken), ...user]
}

function systemMounts(input: SpecInput): OciMount[] {
  const { hostConfig } = input
  const readonlyRoot = hostConfig.ReadonlyRootfs ?? false
  const writable = (hostConfig.Privileged ?? false) && !readonlyRoot
  const writableCgroups = writable || parseSecurityOptions(hostConfig.SecurityOpt).writableCgroups
  const mounts: OciMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', writable ? 'rw' : 'ro'] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [writableCgroups ? 'rw' : 'ro', 'nosuid', 'noexec', 'nodev'],
    },
    ...ipcMounts(input),
  ]
  if (!readonlyRoot) return mounts
  return mounts.map((mount) =>
    writableUnderReadonlyRoot.has(mount.destination) || mount.options?.includes('ro')
      ? mount
      : { ...mount, options: [...(mount.options ?? []), 'ro'] },
  )
}

/** POSIX message queues and shared memory go with the ipc namespace. A mount of mqueue shows the queues of the namespace that it is made in. */
function ipcMounts({ hostConfig, shmPath }: SpecInput): OciMount[] {
  const mqueue: OciMount = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] }
  const mode = hostConfig.IpcMode
  if (mode === 'none') return [mqueue]
  if (isContainer(mode) && shmPath === undefined) throw new Error('cannot join the ipc namespace of a container: its /dev/shm is not given')
  const source = isHost(mode) ? '/dev/shm' : shmPath
  const shm: OciMount = source
    ? { destination: '/dev/shm', type: 'bind', source, options: ['rbind', 'rprivate'] }
    : {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${hostConfig.ShmSize || defaultShmSize}`],
      }
  return [mqueue, shm]
}

function engineMounts(input: SpecInput, taken: ReadonlySet<string>): OciMount[] {
  const { files, hostConfig } = input
  const readOnly = hostConfig.ReadonlyRootfs ?? false
  const mounts = [
    { destination: '/etc/resolv.conf', source: files.resolvConf },
    { destination: '/etc/hostname', source: files.hostname },
    { destination: '/etc/hosts', source: files.hosts },
  ].flatMap(({ destination, source }) => (source ? [bindMount({ source, destination, readOnly })] : []))
  if (usesInit(input)) {
    mounts.push({ destination: initDestination, type: 'bind', source: input.initPath, options: ['bind', 'ro'] })
  }
  return mounts.filter(({ destination }) => !taken.has(destination))
}

/** --init makes sense for PID 1 only, and needs one to mount. */
export function usesInit({ hostConfig, initPath }: SpecInput): boolean {
  return Boolean(hostConfig.Init && initPath && !isHost(hostConfig.PidMode) && !isContainer(hostConfig.PidMode))
}
