import { createHash, hash } from 'node:crypto'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { readXattrs } from '../../containerd/snapshots/tree/xattrs.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { fsPath } from '../../lib/tar/member-name.ts'
import type { Pace } from '../../lib/pace.ts'
import type { NodeStats } from './source-node.ts'

const mostKept = 500_000
const small = 256 << 10
/** Change times are counted in ticks of 10 ms at most: a file that is younger could change again within the same one. */
const settled = 20_000_000n
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

interface Known {
  ctime: bigint
  size: bigint
  digest: string
}

/** SHA-256 of what is in files, and their extended attributes; remembered by inode, time of change and size: whatever changes a file changes its time of change. */
export class FileDigests {
  readonly #kernel: Pick<Kernel, 'syscall'>
  readonly #known = new Map<string, Known>()
  readonly #buffer = Buffer.allocUnsafeSlow(small)

  constructor(kernel: Pick<Kernel, 'syscall'>) {
    this.#kernel = kernel
  }

  /** @param place leads to a regular file */
  of(place: string, { dev, ino, ctimeNs = 0n, size }: NodeStats, pace: Pace): string | Promise<string> {
    const inode = `${dev}:${ino}`
    const known = this.#known.get(inode)
    if (known !== undefined && known.ctime === ctimeNs && known.size === size) return known.digest
    const keep = (content: string): string => {
      const digest = content + attributesText(this.#kernel, place)
      if (BigInt(Date.now()) * 1_000_000n - ctimeNs < settled) return digest
      if (this.#known.size >= mostKept) this.#known.clear()
      this.#known.set(inode, { ctime: ctimeNs, size, digest })
      return digest
    }
    const file = openSync(fsPath(place), flags)
    if (size > small) return this.#large(file, pace).then(keep)
    try {
      const read = this.#readSmall(file)
      return keep(hash('sha256', this.#buffer.subarray(0, read), 'hex'))
    } finally {
      closeSync(file)
    }
  }

  #readSmall(file: number): number {
    let done = 0
    for (let read = -1; read !== 0 && done < small; done += read) read = readSync(file, this.#buffer, done, small - done, done)
    return done
  }

  async #large(file: number, pace: Pace): Promise<string> {
    const piece = Buffer.allocUnsafe(1 << 20)
    const sum = createHash('sha256')
    try {
      for (let at = 0; ; ) {
        const read = readSync(file, piece, 0, piece.length, at)
        if (read === 0) return sum.digest('hex')
        sum.update(piece.subarray(0, read))
        at += read
        await pace.rest()
      }
    } finally {
      closeSync(file)
    }
  }
}

/** The extended attributes of a node; mostly "". */
export function attributesText(kernel: Pick<Kernel, 'syscall'>, place: string): string {
  const attributes = readXattrs(kernel, place)
  if (attributes.size === 0) return ''
  const texts = Array.from(attributes, ([name, value]) => `${JSON.stringify(name)}=${value.toString('hex')}`)
  return ` ${texts.toSorted((one, other) => (one < other ? -1 : 1)).join(' ')}`
}
