import { constants, linkSync, lchownSync, mkdirSync, chmodSync, readlinkSync, symlinkSync, type BigIntStats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { nodeCalls, type NodeCalls } from '../../containerd/snapshots/tree/node-calls.ts'
import { OpenDirectory } from '../../containerd/snapshots/tree/open-directory.ts'
import { readXattrs } from '../../containerd/snapshots/tree/xattrs.ts'
import { KernelError } from '../../kernel/failure.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { nr } from '../../kernel/syscalls.ts'
import { fsPath } from '../../lib/tar/member-name.ts'

interface Copy {
  kernel: Kernel
  calls: NodeCalls
  /** Inodes with several names, and the first place that they were copied to, as its directory and name. */
  linked: Map<string, { directory: OpenDirectory; name: string }>
  /** Stay open to the end: links to what was copied there may still come. */
  opened: OpenDirectory[]
  bytes: number
}

/**
 * Copies everything in one directory into another, empty one, with owners, modes, extended attributes, links, devices, holes and
 * times, and the attributes of the directory itself. No link is followed on either side. Sockets are left out.
 * @returns bytes of file content
 */
export async function copyTree(kernel: Kernel, from: string, to: string): Promise<number> {
  const copy: Copy = { kernel, calls: nodeCalls(kernel), linked: new Map(), opened: [], bytes: 0 }
  const source = new OpenDirectory(`${from}/.`)
  try {
    const target = new OpenDirectory(to)
    copy.opened.push(target)
    await copyDirectory(copy, source, target)
    copyAttributes(copy, source.place('.'), target.place('.'), source.stat('.')!)
  } finally {
    source.close()
    for (const directory of copy.opened) directory.close()
  }
  return copy.bytes
}

/** Makes one directory look like another. */
export function copyDirectoryAttributes(kernel: Kernel, { from, to }: { from: string; to: string }): void {
  const [source, target] = [new OpenDirectory(`${from}/.`), new OpenDirectory(`${to}/.`)]
  try {
    copyAttributes({ kernel, calls: nodeCalls(kernel) }, source.place('.'), target.place('.'), source.stat('.')!)
  } finally {
    source.close()
    target.close()
  }
}

async function copyDirectory(copy: Copy, source: OpenDirectory, target: OpenDirectory): Promise<void> {
  for (const name of source.names()) {
    const stats = source.stat(name)
    if (stats === undefined || stats.isSocket()) continue
    if (stats.isDirectory()) {
      const below = source.open(name)
      if (below === undefined) continue
      try {
        mkdirSync(fsPath(target.place(name)), { mode: 0o700 })
        const made = new OpenDirectory(target.place(name))
        try {
          await copyDirectory(copy, below, made)
        } finally {
          // Few directories hold the first name of a file with several.
          if (copy.linked.values().some(({ directory }) => directory === made)) copy.opened.push(made)
          else made.close()
        }
      } finally {
        below.close()
      }
    } else if (linkToFirst(copy, { target, name, stats })) continue
    else await copyNode(copy, { from: source.place(name), to: target.place(name), stats })
    copyAttributes(copy, source.place(name), target.place(name), stats)
  }
}

function linkToFirst({ linked }: Copy, { target, name, stats }: { target: OpenDirectory; name: string; stats: BigIntStats }): boolean {
  if (stats.nlink <= 1n) return false
  const inode = `${stats.dev}:${stats.ino}`
  const first = linked.get(inode)
  if (first === undefined) linked.set(inode, { directory: target, name })
  else linkSync(fsPath(first.directory.place(first.name)), fsPath(target.place(name)))
  return first !== undefined
}

async function copyNode(copy: Copy, { from, to, stats }: { from: string; to: string; stats: BigIntStats }): Promise<void> {
  if (stats.isSymbolicLink()) symlinkSync(readlinkSync(fsPath(from), { encoding: 'buffer' }), fsPath(to))
  else if (stats.isFile()) await copyFile(copy, { from, to, size: Number(stats.size) })
  else copy.calls.makeNode(to, Number(stats.mode), Number(stats.rdev))
}

async function copyFile(copy: Copy, { from, to, size }: { from: string; to: string; size: number }): Promise<void> {
  const input = await open(fsPath(from), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const output = await open(fsPath(to), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
    try {
      await copyContent(copy, { input, output, size })
    } finally {
      await output.close()
    }
  } finally {
    await input.close()
  }
}

const pieceSize = 1 << 20

/** Pieces between the holes (lseek(2), SEEK_DATA). */
async function copyContent(copy: Copy, { input, output, size }: { input: FileHandle; output: FileHandle; size: number }): Promise<void> {
  const [SEEK_DATA, SEEK_HOLE, ENXIO] = [3, 4, 6]
  const piece = Buffer.allocUnsafe(Math.min(pieceSize, Math.max(size, 1)))
  await output.truncate(size)
  for (let at = 0; at < size; ) {
    const start = copy.kernel.syscall(nr('lseek'), input.fd, at, SEEK_DATA)
    if (start === -ENXIO) break
    const end = start < 0 ? size : Math.min(size, copy.kernel.syscall(nr('lseek'), input.fd, start, SEEK_HOLE))
    for (at = Math.max(start, at); at < end; ) {
      const { bytesRead } = await input.read(piece, 0, Math.min(piece.length, end - at), at)
      if (bytesRead === 0) return
      await output.write(piece, 0, bytesRead, at)
      at += bytesRead
      copy.bytes += bytesRead
    }
  }
}

const ENOTSUP = 95

/** The owner first: changing it takes set-id bits and capabilities away. */
function copyAttributes({ kernel, calls }: Pick<Copy, 'kernel' | 'calls'>, from: string, to: string, stats: BigIntStats): void {
  lchownSync(fsPath(to), Number(stats.uid), Number(stats.gid))
  if (!stats.isSymbolicLink()) chmodSync(fsPath(to), Number(stats.mode & 0o7777n))
  for (const [name, value] of readXattrs(kernel, from)) {
    try {
      calls.setXattr(to, name, value)
    } catch (error) {
      // A file system without them still takes the file.
      if (!(error instanceof KernelError) || error.errno !== ENOTSUP) throw error
    }
  }
  calls.setTime(to, stats.mtimeNs)
}
