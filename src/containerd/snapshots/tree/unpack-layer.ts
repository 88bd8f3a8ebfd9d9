import type { Kernel } from '../../../kernel/kernel.ts'
import { GantryError } from '../../../lib/errors.ts'
import { readTar } from '../../../lib/tar/reader.ts'
import { LayerExtractor } from './layer-extractor.ts'
import { nodeCalls } from './node-calls.ts'
import { appliedWhiteouts, overlayWhiteouts } from './whiteout-style.ts'

export interface UnpackLayer {
  kernel: Kernel
  tar: AsyncIterable<Uint8Array>
  directory: string
  /** overlay: only the layer is in the directory, whiteouts are marks. applied: its parent's tree was there, whiteouts remove. */
  whiteouts: 'overlay' | 'applied'
}

/** @returns bytes of files and links of the layer */
export async function unpackLayer({ kernel, tar, directory, whiteouts }: UnpackLayer): Promise<number> {
  const calls = nodeCalls(kernel)
  const style = whiteouts === 'overlay' ? overlayWhiteouts(calls) : appliedWhiteouts()
  const extractor = new LayerExtractor({ calls, style, directory })
  try {
    await readTar(tar, extractor)
    extractor.finish()
  } finally {
    extractor.close()
  }
  return extractor.size
}

/** One syncfs(2) for thousands of files, in another process: it may take long. */
export async function syncFilesystem(kernel: Kernel, path: string): Promise<void> {
  const { code, stderr } = await kernel.tool(['sync', '-f', path])
  if (code !== 0) throw new GantryError('System', `cannot sync ${path}: ${stderr.trim()}`)
}
