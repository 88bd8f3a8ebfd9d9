import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import path from 'node:path/posix'
import type { Kernel } from '../../kernel/kernel.ts'
import { decodeName, fsPath } from '../../lib/tar/member-name.ts'
import { ArchiveNode } from '../context/archive/archive-node.ts'
import { attributesText } from './file-digests.ts'
import type { FileDigests } from './file-digests.ts'
import type { Pace } from '../../lib/pace.ts'
import type { Selection } from './selection.ts'
import type { NodeStats } from './source-node.ts'
import type { Source, SourceTree } from './source-tree.ts'
import { walkSource } from './walk-source.ts'

export interface DigestRules {
  kernel: Pick<Kernel, 'syscall'>
  digests: FileDigests
  pace: Pace
  selection: Selection
  /** Owners of the source do not count: --chown says. */
  owned: boolean
}

/** SHA-256 over all of a source that a copy of it has, but for times. Of a directory it is what is in it: it does not become the destination itself. */
export async function digestSource(tree: SourceTree, source: Source, rules: DigestRules): Promise<string> {
  const sum = createHash('sha256')
  const links = new Map<string, string>()
  if (source.stats.isDirectory()) {
    const directory = tree.openDirectory(source.real)
    try {
      for (const step of walkSource(directory, rules.selection)) {
        if (step.kind === 'node') await addNode(sum, step, { rules, links })
      }
    } finally {
      directory.close()
    }
    return sum.digest('hex')
  }
  const name = path.basename(source.named)
  if (!rules.selection.takes(name)) return 'none'
  const directory = tree.openDirectory(path.dirname(source.real))
  try {
    await addNode(sum, { name, place: directory.place(path.basename(source.real)), stats: source.stats }, { rules, links })
  } finally {
    directory.close()
  }
  return sum.digest('hex')
}

/** One line of JSON for each node: no two lists of fields are the same text, and bytes of names that are no UTF-8 stay what they are. */
async function addNode(sum: Hash, { name, place, stats }: { name: string; place: string; stats: NodeStats }, { rules, links }: { rules: DigestRules; links: Map<string, string> }): Promise<void> {
  const { pace, owned } = rules
  const first = firstName(links, name, stats)
  const owner = owned ? [] : [Number(stats.uid), Number(stats.gid)]
  const fields = first === undefined ? [name, Number(stats.mode), ...owner, ...(await contentOf(place, stats, rules))] : [name, 'link', first]
  sum.update(`${JSON.stringify(fields)}\n`)
  await pace.rest()
}

/** Of an inode that has come under another name. */
function firstName(links: Map<string, string>, name: string, stats: NodeStats): string | undefined {
  if (stats.isDirectory() || stats.nlink <= 1n) return undefined
  const inode = `${stats.dev}:${stats.ino}`
  const first = links.get(inode)
  if (first === undefined) links.set(inode, name)
  return first
}

async function contentOf(place: string, stats: NodeStats, { kernel, digests, pace }: DigestRules): Promise<(string | number)[]> {
  if (stats instanceof ArchiveNode) return stats.isFile() ? [stats.digest] : stats.isSymbolicLink() ? [stats.linkName, ''] : ['']
  if (stats.isFile()) return [await digests.of(place, stats, pace)]
  const attributes = attributesText(kernel, place)
  if (stats.isSymbolicLink()) return [decodeName(readlinkSync(fsPath(place), { encoding: 'buffer' })), attributes]
  return stats.isDirectory() ? [attributes] : [Number(stats.rdev), attributes]
}
