import { join } from 'node:path'
import type { RemoteContexts } from '../../build/buildkit/definition.ts'
import { receiveTree } from '../../build/context/context-tree.ts'
import { remoteTree } from '../../build/context/remote-context.ts'
import type { Kernel } from '../../kernel/kernel.ts'

/** Contexts that do not come from a client's directory, for BuildKit's clients: as BuildKit does, whole, whatever a .dockerignore in them says. */
export function remoteContexts(kernel: Kernel, root: string): RemoteContexts {
  return async (from, { directory, signal }) => {
    const options = { kernel, parent: directory, signal }
    const tree = 'url' in from ? await remoteTree(from.url, { ...options, directory: join(root, 'sources') }) : await receiveTree(from.archive, options)
    return { root: tree.root, ...(tree.dockerfileText !== undefined && { dockerfile: tree.dockerfileText }) }
  }
}
