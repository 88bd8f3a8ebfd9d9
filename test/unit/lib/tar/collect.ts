import type { TarEntry } from '../../../../src/lib/tar/entry.ts'
import { readTar, type TarLimits } from '../../../../src/lib/tar/reader.ts'

/** All members of an archive with their content; holes are zeros. */
export async function collectTar(source: AsyncIterable<Uint8Array>, limits?: TarLimits): Promise<{ entry: TarEntry; content: Buffer }[]> {
  const members: { entry: TarEntry; content: Buffer }[] = []
  const handler = {
    entry: (entry: TarEntry) => void members.push({ entry, content: Buffer.alloc(entry.size) }),
    data: (chunk: Buffer, offset: number) => void chunk.copy(members.at(-1)!.content, offset),
    end: () => undefined,
  }
  await readTar(source, handler, limits)
  return members
}

export async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
