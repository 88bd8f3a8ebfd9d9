import { lstatSync, readlinkSync } from 'node:fs'
import { posix } from 'node:path'
import { AT_FDCWD, AT_RECURSIVE } from '../../kernel/constants/files.ts'
import {
  MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, MS_PRIVATE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE,
} from '../../kernel/constants/mounts.ts'
import type { Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'
import type { OciMount } from '../spec.ts'
import { setAttributes } from './attributes.ts'
import { idMapOf, type MountIdMap } from './id-map.ts'
import { parseMountOptions, type MountOptions } from './options.ts'
import { cleanPath, openTarget } from './target.ts'

const EEXIST = 17

/** A bind mount: the host's tree is copied first, while host paths are still there, and put in place later. */
export interface Bind {
  mount: OciMount
  options: MountOptions
  kind: 'directory' | 'file'
  /** The source is a symlink, and is copied as such (option copy-symlink): where it leads. */
  link: string | undefined
  tree: Cell
  /** Its ids as others. */
  idMap: MountIdMap | undefined
}

export function isBind(mount: OciMount): boolean {
  return mount.type === 'bind' || (mount.options ?? []).some((option) => option === 'bind' || option === 'rbind')
}

export function planBind(builder: ProgramBuilder, mount: OciMount, isDirectory: (path: string) => boolean): Bind {
  const link = mount.options?.includes('copy-symlink') === true ? linkOf(mount.source ?? '') : undefined
  const kind = link === undefined && isDirectory(mount.source ?? '') ? 'directory' : 'file'
  return { mount, link, options: parseMountOptions(mount.options), kind, tree: builder.cell(`tree for ${mount.destination}`), idMap: idMapOf(mount) }
}

/** Whether the copy must be made before the namespace is cut off from the host's mount events. */
export function propagates(bind: Bind): boolean {
  return bind.options.propagation !== undefined && bind.options.propagation.flag !== MS_PRIVATE
}

export function copySource(builder: ProgramBuilder, { mount, options, link, tree }: Bind): void {
  if (link !== undefined) return
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (options.bind === 'bind' ? 0 : AT_RECURSIVE)
  builder.call(`copy the mount at ${mount.source}`, 'open_tree', [AT_FDCWD, builder.string(mount.source ?? ''), flags], { save: tree })
}

function linkOf(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : undefined
}

function makeLink(builder: ProgramBuilder, root: Cell, path: string, link: string): void {
  const parent = builder.cell(`directory of ${path}`)
  openTarget(builder, { root, path: posix.dirname(cleanPath(path)), kind: 'directory', save: parent })
  builder.call(`copy the symlink to ${link} to ${path}`, 'symlinkat', [builder.string(link), parent, builder.string(posix.basename(cleanPath(path)))], { ignore: [EEXIST] })
}

export function attachBind(builder: ProgramBuilder, root: Cell, bind: Bind): void {
  if (bind.link !== undefined) {
    makeLink(builder, root, bind.mount.destination, bind.link)
    return
  }
  const { mount, options, kind, tree } = bind
  const target = builder.cell(`target ${mount.destination}`)
  openTarget(builder, { root, path: mount.destination, kind, save: target })
  const { set, clear, recursiveSet, recursiveClear, propagation } = options
  const on = { descriptor: tree }
  if (propagation !== undefined && propagates(bind)) {
    setAttributes(builder, `set propagation of ${mount.destination}`, on, { propagation: propagation.flag, recursive: propagation.recursive })
  }
  if (set !== 0 || clear !== 0) setAttributes(builder, `set flags of ${mount.destination}`, on, { set, clear })
  if (recursiveSet !== 0 || recursiveClear !== 0) {
    setAttributes(builder, `set flags below ${mount.destination}`, on, { set: recursiveSet, clear: recursiveClear, recursive: true })
  }
  attachTree(builder, `bind ${mount.source} to ${mount.destination}`, tree, target)
}

/** Puts a detached tree on what a descriptor stands for; no path is walked again. */
export function attachTree(builder: ProgramBuilder, label: string, tree: Cell, target: Cell): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
  builder.call(label, 'move_mount', [tree, builder.string(''), target, builder.string(''), flags])
}
