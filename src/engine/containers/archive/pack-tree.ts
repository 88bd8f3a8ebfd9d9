import { fstatSync } from 'node:fs'
import { NodePacker, type SeenNode } from '../../../containerd/snapshots/tree/node-member.ts'
import { OpenDirectory } from '../../../containerd/snapshots/tree/open-directory.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { TarMember } from '../../../lib/tar/writer.ts'

/**
 * The members of a directory and all that is in it, in the order of names. `name` stands for the directory: its members are called
 * "name/…", those of the root ("") "/…". Mounts inside are crossed. What vanishes meanwhile is left out.
 */
export function* packDirectory(kernel: Kernel, descriptor: number, name: string): Generator<TarMember, void, undefined> {
  const packer = new NodePacker(kernel)
  const place = `/proc/self/fd/${descriptor}/.`
  try {
    const root = packer.member({ path: name, place, stats: fstatSync(descriptor, { bigint: true }) })
    if (root !== undefined) yield root
    yield* packContent(packer, new OpenDirectory(place), name)
  } finally {
    packer.close()
  }
}

function* packContent(packer: NodePacker, directory: OpenDirectory, name: string): Generator<TarMember, void, undefined> {
  try {
    for (const child of directory.names()) {
      const stats = directory.stat(child)
      if (stats === undefined) continue
      const path = `${name}/${child}`
      const member = packer.member({ path, place: directory.place(child), stats })
      if (member !== undefined) yield member
      const inner = stats.isDirectory() ? directory.open(child) : undefined
      if (inner !== undefined) yield* packContent(packer, inner, path)
    }
  } finally {
    directory.close()
  }
}

/** The one member of what is no directory; none of a socket. */
export function* packNode(kernel: Kernel, node: SeenNode): Generator<TarMember, void, undefined> {
  const packer = new NodePacker(kernel)
  try {
    const member = packer.member(node)
    if (member !== undefined) yield member
  } finally {
    packer.close()
  }
}
