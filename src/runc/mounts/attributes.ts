import { AT_EMPTY_PATH, AT_RECURSIVE } from '../../kernel/constants/files.ts'
import { offsetBy, type Argument, type Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'

export interface MountAttributes {
  set?: number
  clear?: number
  /** MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. */
  propagation?: number
  recursive?: boolean
  /** User namespace whose map MOUNT_ATTR_IDMAP takes. */
  idMap?: Cell
}

/** struct mount_attr and mount_setattr(2) on an open mount, or on a path of the process's own root. */
export function setAttributes(
  builder: ProgramBuilder, label: string, place: { descriptor: Argument } | { path: string }, attributes: MountAttributes,
  ignore: readonly number[] = [],
): void {
  const { set = 0, clear = 0, propagation = 0, recursive = false, idMap } = attributes
  const structure = Buffer.from(BigUint64Array.of(BigInt(set), BigInt(clear), BigInt(propagation), 0n).buffer)
  const [descriptor, path, empty] = 'path' in place ? [-100, place.path, 0] : [place.descriptor, '', AT_EMPTY_PATH]
  const attributesAt = builder.bytes(structure)
  if (idMap !== undefined) builder.copy('take the map', idMap, builder.cellAt(offsetBy(attributesAt, 24), 'map of the mount'))
  const args = [descriptor, builder.string(path), empty | (recursive ? AT_RECURSIVE : 0), attributesAt, structure.length]
  builder.call(label, 'mount_setattr', args, { ignore })
}
