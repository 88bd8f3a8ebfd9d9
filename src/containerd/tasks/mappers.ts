import { closeSync } from 'node:fs'
import type { Kernel } from '../../kernel/kernel.ts'
import type { MappedBy } from '../../kernel/mapped-mount.ts'
import { mapText, openUserNamespace, type IdMaps } from '../../kernel/user-namespace.ts'

/** The user namespaces that root file systems are mapped by, one for each pair of maps: all containers of an engine have the same. */
export class Mappers {
  /** Where layers are mounted for the moment that an overlay of them is made. */
  readonly staging: string
  readonly #kernel: Pick<Kernel, 'syscall'>
  readonly #open = new Map<string, MappedBy>()

  constructor(kernel: Pick<Kernel, 'syscall'>, staging: string) {
    this.#kernel = kernel
    this.staging = staging
  }

  for(maps: IdMaps): MappedBy {
    const key = `${mapText(maps.uids)}/${mapText(maps.gids)}`
    let mapper = this.#open.get(key)
    if (mapper === undefined) {
      mapper = { namespace: openUserNamespace(this.#kernel, maps), uid: rootOf(maps.uids), gid: rootOf(maps.gids) }
      this.#open.set(key, mapper)
    }
    return mapper
  }

  close(): void {
    for (const { namespace } of this.#open.values()) closeSync(namespace)
    this.#open.clear()
  }
}

/** Where nobody is 0, the first one stands for it. */
function rootOf(ranges: IdMaps['uids']): number {
  return (ranges.find(({ containerID }) => containerID === 0) ?? ranges[0])?.hostID ?? 0
}
