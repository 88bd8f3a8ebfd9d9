import type { Readable } from 'node:stream'
import type { BuildRequest, Builder, RunDefaults } from '../../build/contract.ts'
import type { ProgressMessage } from '../../containerd/distribution/contract.ts'

/** Building images: see src/build/contract.ts. */
export interface Builds extends Builder {
  /**
   * A build of a client without BuildKit: the context is a tar (plain or compressed) or has a URL. `tell` gets Docker's messages.
   * A process that ended with a failure is the last message; rejects with anything else that goes wrong.
   */
  classic(request: ClassicBuild, tell: (message: ClassicMessage) => void, signal: AbortSignal): Promise<void>
  /** Ends the classic build that was given this id; nothing when there is none. */
  cancel(id: string): void
}

export interface ClassicBuild {
  /** For `cancel`. */
  id: string
  context: Readable
  /** Instead of the context: URL of a tarball, a Dockerfile or a git repository. */
  remote: string
  /** Path of the Dockerfile in the context. */
  dockerfile: string
  tags: string[]
  /** Only the image's id is told, and everything when it fails. */
  quiet: boolean
  forceRemove: boolean
  remove: boolean
  target?: string
  platform?: string
  buildArgs: Readonly<Record<string, string>>
  labels: Readonly<Record<string, string>>
  noCache: boolean
  pull: boolean
  /** Images whose own records are taken over, where they are here. */
  cacheFrom: string[]
  credentials: BuildRequest['credentials']
  run: RunDefaults
}

export type ClassicMessage = { stream: string } | { aux: { ID: string } } | { errorDetail: { code: number; message: string }; error: string } | ProgressMessage
