import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { openOverlay2 } from '../../../../src/containerd/snapshots/overlay2/overlay2.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { nr } from '../../../../src/kernel/syscalls.ts'
import { tarEntry, type TarEntry } from '../../../../src/lib/tar/entry.ts'
import { writeTar } from '../../../../src/lib/tar/writer.ts'

export type Member = Partial<TarEntry> & { name: string; text?: string }

/** mknod and trusted attributes need it. */
export const needsRoot = process.getuid?.() === 0 ? false : 'needs root'

export async function* layerTar(members: readonly Member[], encoding: BufferEncoding = 'utf8'): AsyncGenerator<Buffer, void, undefined> {
  yield* writeTar(
    members.map(({ text = '', ...fields }) => ({
      entry: tarEntry({ ...fields, size: text.length }),
      content: [Buffer.from(text, encoding)],
    })),
  )
}

export function chainId(name: string): string {
  return `sha256:${createHash('sha256').update(name).digest('hex')}`
}

/** A snapshotter in a directory of its own, which goes with the test file. */
export function temporaryOverlay2() {
  const root = mkdtempSync(join(tmpdir(), 'overlay2-'))
  after(() => rmSync(root, { recursive: true }))
  const snapshotter = openOverlay2({ root, kernel: linuxKernel })
  let number = 0
  return {
    root,
    snapshotter,
    /** Extracts members as a layer. @returns its chain id and directory */
    layer: async (members: readonly Member[], parent?: string) => {
      const id = chainId(`${number++}`)
      await snapshotter.extract({ chainId: id, parent, tar: layerTar(members) })
      return { id, directory: join(root, id.slice(7), 'diff') }
    },
  }
}

/** An extended attribute as the kernel has it, in hexadecimal; undefined when there is none. */
export function attribute(path: string, name: string): string | undefined {
  const value = Buffer.alloc(4096)
  const length = linuxKernel.syscall(nr('lgetxattr'), path, name, value, value.length)
  return length < 0 ? undefined : value.toString('hex', 0, length)
}
