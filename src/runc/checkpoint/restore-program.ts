import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, O_RDONLY } from '../../kernel/constants/files.ts'
import type { CgroupLayout } from '../../kernel/cgroup/layout.ts'
import { MS_BIND, MS_REC, MS_SLAVE } from '../../kernel/constants/mounts.ts'
import { CLONE_NEWNS } from '../../kernel/constants/processes.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_SEQPACKET } from '../../kernel/constants/sockets.ts'
import { criuEnvironment, programLeaves } from '../../kernel/criu/worker.ts'
import { ProgramBuilder } from '../../kernel/program-builder.ts'
import { addressOf, type Program } from '../../kernel/program.ts'
import { createCgroups, planCgroups } from '../cgroups.ts'
import { isBind } from '../mounts/bind.ts'
import { cleanPath, openTarget } from '../mounts/target.ts'
import type { OciMount, OciResources } from '../spec.ts'

export interface RestoreProgram {
  rootfs: string
  /** An empty directory: criu wants the root to be a mount of its own. */
  root: string
  /** Directories of criu's images, and of its log. */
  images: string
  work: string
  mounts: readonly OciMount[]
  layout: CgroupLayout
  cgroupPath: string
  resources: OciResources
  /** Path and arguments of criu. */
  criu: string
  argv: readonly string[]
  isDirectory: (path: string) => boolean
}

/** Makes what a container is restored into, in a mount namespace that goes with criu, and becomes criu. */
export function restoreProgram(options: RestoreProgram): Program {
  const { rootfs, root, mounts, criu, argv } = options
  const builder = new ProgramBuilder()
  createCgroups(builder, planCgroups(options.layout, options.cgroupPath, options.resources))
  builder.call('make a mount namespace for criu', 'unshare', [CLONE_NEWNS])
  builder.call('let no mount out of it', 'mount', [null, builder.string('/'), null, MS_REC | MS_SLAVE, null])
  builder.call(`bind ${rootfs}`, 'mount', [builder.string(rootfs), builder.string(root), null, MS_BIND | MS_REC, null])
  const top = builder.cell('root')
  builder.call(`open ${root}`, 'openat', [AT_FDCWD, builder.string(root), O_PATH | O_DIRECTORY | O_CLOEXEC, 0], { save: top })
  for (const mount of mounts.filter((each, index) => !liesOnAnother(each, mounts.slice(0, index)))) {
    const target = builder.cell(`target ${mount.destination}`)
    const kind = isBind(mount) && !options.isDirectory(mount.source ?? '') ? 'file' : 'directory'
    openTarget(builder, { root: top, path: mount.destination, kind, save: target })
    builder.call(`close ${mount.destination}`, 'close', [target])
  }
  for (const [name, place] of [['images', options.images], ['work', options.work]] as const) {
    const opened = builder.cell(name)
    builder.call(`open ${place}`, 'openat', [AT_FDCWD, builder.string(place), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0], { save: opened })
    builder.call(`leave the ${name} to criu`, 'dup3', [opened, programLeaves[name], 0])
  }
  const [channel, peer] = builder.cellPair('socket of criu', 'peer of criu')
  builder.call('make a socket to criu', 'socketpair', [AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, addressOf(channel)])
  builder.call('leave its end to criu', 'dup3', [channel, programLeaves.channel, 0])
  builder.call('leave the other end to who asks', 'dup3', [peer, programLeaves.peer, 0])
  const environment = Object.entries(criuEnvironment()).map(([name, value]) => `${name}=${value}`)
  const words = (texts: readonly string[]) => builder.pointers(texts.map((text) => builder.string(text)))
  builder.call('execute criu', 'execve', [builder.string(criu), words(argv), words(environment)])
  return builder.build()
}

/** Its place comes with that one: out of the image, or out of the host's directory. */
function liesOnAnother({ destination }: OciMount, earlier: readonly OciMount[]): boolean {
  return earlier.some((other) => `${cleanPath(destination)}/`.startsWith(`${cleanPath(other.destination)}/`))
}
