import { rmdirSync, unlinkSync } from 'node:fs'
import { OpenDirectory } from '../../../containerd/snapshots/tree/open-directory.ts'
import { fsPath } from '../../../lib/tar/member-name.ts'

/**
 * Removes a node and all below it. `place` leads to it through the descriptor of its directory, and so does every step: a container
 * that puts a link in the place of a directory meanwhile loses the link, not what it names.
 */
export function removeTree(place: string): void {
  try {
    unlinkSync(fsPath(place))
    return
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return
    if (code !== 'EISDIR' && code !== 'EPERM') throw error
  }
  const directory = new OpenDirectory(place)
  try {
    for (const name of directory.names()) removeTree(directory.place(name))
  } finally {
    directory.close()
  }
  rmdirSync(fsPath(place))
}
