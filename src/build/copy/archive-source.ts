import { GantryError } from '../../lib/errors.ts'
import type { ArchiveNode } from '../context/archive/archive-node.ts'
import type { ArchiveTree } from '../context/archive/archive-tree.ts'
import type { SourceDirectory } from './source-node.ts'
import { SourceTree } from './source-tree.ts'

/** A context that was not unpacked, as sources of COPY. What it says is what its files would. */
export class ArchiveSource extends SourceTree {
  readonly #tree: ArchiveTree

  constructor(tree: ArchiveTree) {
    super()
    this.#tree = tree
  }

  override resolve(name: string): string {
    return this.#tree.resolve(name)
  }

  override stat(real: string): ArchiveNode | undefined {
    return this.#tree.find(real)
  }

  override openDirectory(real: string): SourceDirectory {
    return new ArchiveDirectory(this.#tree.find(real)!)
  }

  protected override names(directory: string, base: string): string[] {
    const node = this.#tree.find(directory)
    if (node?.isDirectory() !== true) throw new GantryError('NotFound', `lstat ${base}: no such file or directory`)
    return [...node.children.keys()].toSorted()
  }
}

class ArchiveDirectory implements SourceDirectory {
  readonly #node: ArchiveNode

  constructor(node: ArchiveNode) {
    this.#node = node
  }

  names(): string[] {
    return [...this.#node.children.keys()].toSorted()
  }

  place(name: string): string {
    return name
  }

  stat(name: string): ArchiveNode | undefined {
    return this.#node.children.get(name)
  }

  open(name: string): SourceDirectory | undefined {
    const node = this.#node.children.get(name)
    return node?.isDirectory() === true ? new ArchiveDirectory(node) : undefined
  }

  close(): void {}
}
