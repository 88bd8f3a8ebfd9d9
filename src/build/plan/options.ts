import type { Image } from '../../containerd/images/contract.ts'
import type { Stack } from '../cache/build-cache.ts'
import type { BuildRequest } from '../contract.ts'
import type { Platform } from './contract.ts'

export interface PlanOptions {
  request: Pick<BuildRequest, 'target' | 'buildArgs' | 'labels' | 'noCache' | 'namedContexts' | 'context' | 'run' | 'entitlements'>
  /** What is built for. */
  platform: Platform
  /** What builds. */
  own: Platform
  /** Names of steps begin with the platform. */
  severalPlatforms: boolean
  /** The image's layers are in the snapshotter when this settles. `reference` in the answer has the digest. */
  image(reference: string, platform: Platform): Promise<{ image: Image; reference: string; stack?: Stack }>
  /** Every variable that a word names and nobody has set, for the checks. */
  unset?: (name: string, line: number) => void
}
