import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { RemoteContexts } from '../../build/buildkit/definition.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { receiveContext } from './classic/context.ts'

/** Contexts that do not come from a client's directory, for BuildKit's clients. */
export function remoteContexts(kernel: Kernel, root: string): RemoteContexts {
  return (from, { directory, signal }) =>
    receiveContext(
      { kernel, directory, cache: join(root, 'sources'), signal },
      'url' in from ? { context: Readable.from([]), remote: from.url } : { context: from.archive, remote: '' },
    )
}
