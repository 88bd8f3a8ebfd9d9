import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { ContainerExtractor, type ExtractOptions } from '../../../../../src/engine/containers/archive/extractor.ts'
import { O_DIRECTORY, O_PATH } from '../../../../../src/kernel/constants/files.ts'
import type { Kernel } from '../../../../../src/kernel/kernel.ts'
import { linuxKernel } from '../../../../../src/kernel/linux.ts'
import { nr } from '../../../../../src/kernel/syscalls.ts'
import { readTar } from '../../../../../src/lib/tar/reader.ts'
import { layerTar, type Member } from '../../../containerd/snapshots/layer.ts'

export interface TestTree {
  /** The container's root, with a directory `data`. */
  root: string
  /** A directory of the host, beside the root. */
  bait: string
  descriptor: number
  /** Unpacks members into /data, or where `options` say. */
  extract: (members: readonly Member[] | AsyncIterable<Uint8Array>, options?: Partial<ExtractOptions>) => Promise<void>
}

/** What another process does at the worst moment. */
export interface Attack {
  /** Right after a node was made at `place`. */
  afterNode?: (place: string) => void
}

/** A root for a container and something outside of it; both go with the test file. */
export function testTree(attack: Attack = {}): TestTree {
  const directory = mkdtempSync(join(tmpdir(), 'archive-'))
  const [root, bait] = [join(directory, 'root'), join(directory, 'bait')]
  for (const path of [join(root, 'data'), bait]) mkdirSync(path, { recursive: true })
  writeFileSync(join(bait, 'secret'), 'secret')
  const descriptor = openSync(root, O_PATH | O_DIRECTORY)
  after(() => {
    closeSync(descriptor)
    rmSync(directory, { recursive: true, force: true })
  })
  return {
    root,
    bait,
    descriptor,
    extract: async (members, options) => {
      const extractor = new ContainerExtractor(attacked(attack), { root: descriptor, destination: '/data', noOverwriteDirNonDir: false, ...options })
      try {
        await readTar(Array.isArray(members) ? layerTar(members as Member[]) : (members as AsyncIterable<Uint8Array>), extractor)
        extractor.finish()
      } finally {
        extractor.close()
      }
    },
  }
}

function attacked({ afterNode }: Attack): Kernel {
  return {
    ...linuxKernel,
    syscall: (number, ...args) => {
      const result = linuxKernel.syscall(number, ...args)
      if (number === nr('mknodat') && result >= 0) afterNode?.(args[1] as string)
      return result
    },
  }
}
