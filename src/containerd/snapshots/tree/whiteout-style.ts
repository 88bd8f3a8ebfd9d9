import { lstatSync, readdirSync, rmdirSync, unlinkSync, type Stats } from 'node:fs'
import { S_IFCHR } from '../../../kernel/constants/files.ts'
import { decodeName, fsPath } from '../../../lib/tar/member-name.ts'
import type { NodeCalls } from './node-calls.ts'
import { isWhiteoutNode, opaqueXattr } from './whiteout.ts'

/** What becomes of a layer's whiteouts. They hide what lower layers have, never what the layer has itself, wherever in it they stand. */
export interface WhiteoutStyle {
  hide(path: string): void
  /** All that lower layers have in a directory. */
  hideAll(directory: string): void
  /** A directory was made where something else was. */
  replaced(path: string, old: Stats): void
  /** Told of every node that the layer makes. */
  made?(stats: Stats): void
  /** It removes nodes. */
  readonly removes: boolean
  /** The archive is no layer: names that look like whiteouts are names. */
  readonly plain?: true
}

/** The layer's tree is on its own, and overlay(5) reads its marks. */
export function overlayWhiteouts(calls: NodeCalls): WhiteoutStyle {
  const setOpaque = (path: string): void => calls.setXattr(path, opaqueXattr.name, opaqueXattr.value)
  return {
    removes: false,
    hide(path) {
      const existing = lstatSync(fsPath(path), { throwIfNoEntry: false })
      if (existing === undefined) calls.makeNode(path, S_IFCHR, 0)
      else if (existing.isDirectory()) setOpaque(path)
    },
    hideAll: setOpaque,
    replaced: (path, old) => {
      if (isWhiteoutNode(old)) setOpaque(path)
    },
  }
}

/** The layer's tree began as a copy of its parent's: what is hidden is removed. */
export function appliedWhiteouts(): WhiteoutStyle {
  const made = new Set<number>()
  /** @returns is it gone? */
  const remove = (path: string): boolean => {
    const stats = lstatSync(fsPath(path), { throwIfNoEntry: false })
    if (stats === undefined) return true
    if (!stats.isDirectory()) {
      if (made.has(stats.ino)) return false
      unlinkSync(fsPath(path))
      return true
    }
    if (!removeAll(path) || made.has(stats.ino)) return false
    rmdirSync(fsPath(path))
    return true
  }
  const removeAll = (directory: string): boolean => {
    const names = readdirSync(fsPath(directory), { encoding: 'buffer' }).map(decodeName)
    return names.map((name) => remove(`${directory}/${name}`)).every(Boolean)
  }
  return {
    removes: true,
    hide: remove,
    hideAll: removeAll,
    replaced: () => {},
    made: ({ ino }) => void made.add(ino),
  }
}
