import { realpathSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import { mountOf, mountTable } from './mount-table.ts'

/**
 * A bind shares mount events with the host only when the mount that its source lies on does.
 * @throws System with Docker's text
 */
export function checkPropagation(source: string, propagation: string): void {
  const wanted = propagation.replace(/^r(?=shared|slave)/, '')
  if (wanted !== 'shared' && wanted !== 'slave') return
  const mount = mountOf(realPath(source), mountTable())
  if (mount === undefined || mount.shared || (wanted === 'slave' && mount.slave)) return
  throw new GantryError('System', `path ${source} is mounted on ${mount.path} but it is not a shared${wanted === 'slave' ? ' or slave' : ''} mount`)
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
