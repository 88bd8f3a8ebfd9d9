import type { Pace } from '../../../lib/pace.ts'
import { tarEntry } from '../../../lib/tar/entry.ts'
import type { TarHandler } from '../../../lib/tar/reader.ts'
import type { ArchiveNode } from './archive-node.ts'
import type { ArchiveTree } from './archive-tree.ts'
import type { Spool } from './spool.ts'

const piece = 512 << 10

/** Tells everything that is in a tree as the members of an archive. */
export async function giveMembers(tree: ArchiveTree, spool: Spool, { handler, pace }: { handler: TarHandler; pace: Pace }): Promise<void> {
  const names = new Map<ArchiveNode, string>()
  const give = async (node: ArchiveNode, name: string): Promise<void> => {
    const first = names.get(node)
    const type = first === undefined ? node.type : 'link'
    handler.entry(tarEntry({ name, type, mode: node.permissions, mtime: node.mtimeNs, size: type === 'file' ? node.length : 0, linkName: first ?? node.linkName }), undefined)
    if (type === 'file') for (let at = 0; at < node.length; at += piece) handler.data(spool.read(node.at + at, Math.min(piece, node.length - at)), at)
    handler.end()
    if (node.nlink > 1n) names.set(node, name)
    await pace.rest()
    for (const [base, below] of node.children) await give(below, `${name}/${base}`)
  }
  for (const [base, node] of tree.root.children) await give(node, base)
}
