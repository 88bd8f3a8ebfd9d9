import type { ImageCore } from '../images/image-core.ts'
import type { RegistrySettings } from './registry-settings.ts'
import type { SharedDownloads } from './shared-downloads.ts'
import type { Slots } from './slots.ts'

/** What the verbs of distribution share. */
export interface DistributionRoom {
  readonly core: ImageCore
  readonly settings: RegistrySettings
  readonly downloads: SharedDownloads
  /** For uploads, and the compression before. */
  readonly uploads: Slots
  readonly userAgent: string
}
