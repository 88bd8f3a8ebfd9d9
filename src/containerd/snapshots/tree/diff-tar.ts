import type { Kernel } from '../../../kernel/kernel.ts'
import { tarEntry } from '../../../lib/tar/entry.ts'
import { writeTar, type TarMember } from '../../../lib/tar/writer.ts'
import { NodePacker } from './node-member.ts'
import type { TreeStep } from './tree-step.ts'
import { whiteoutName } from './whiteout.ts'

/** Writes what a walk finds as a layer: OCI image-spec, "Image Layer Filesystem Changeset". Sockets are left out, as Docker does. */
export function diffTar(kernel: Pick<Kernel, 'syscall'>, steps: Iterable<TreeStep>): AsyncGenerator<Uint8Array, void, undefined> {
  return writeTar(members(kernel, steps))
}

function* members(kernel: Pick<Kernel, 'syscall'>, steps: Iterable<TreeStep>): Generator<TarMember, void, undefined> {
  const packer = new NodePacker(kernel)
  /** Directories that are as they were: of interest once something below has changed. */
  const waiting: { path: string; member: TarMember }[] = []
  try {
    for (const { path, kind, node } of steps) {
      while (waiting.length > 0 && !path.startsWith(`${waiting.at(-1)!.path}/`)) waiting.pop()
      const member = kind === 'deleted' ? { entry: tarEntry({ name: whiteoutName(path), mode: 0 }) } : node && packer.member({ path, ...node })
      if (member === undefined) continue
      if (kind === 'parent') {
        waiting.push({ path, member })
        continue
      }
      for (const above of waiting.splice(0)) yield above.member
      yield member
    }
  } finally {
    packer.close()
  }
}
