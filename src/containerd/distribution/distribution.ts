import type { ImageCore } from '../images/image-core.ts'
import type { Distribution } from './contract.ts'
import { inspect } from './inspect.ts'
import { login } from './login.ts'
import { pull } from './pull.ts'
import { push } from './push.ts'
import type { RegistrySettings } from './registry-settings.ts'
import { search } from './search.ts'
import { SharedDownloads } from './shared-downloads.ts'
import { Slots } from './slots.ts'

/** Distribution between registries and an image store. */
export function createDistribution(options: { core: ImageCore; settings: RegistrySettings; userAgent: string }): Distribution {
  const { core, settings, userAgent } = options
  const { maxDownloads, maxAttempts, maxUploads } = settings
  const downloads = new SharedDownloads({ content: core.content, maxDownloads, maxAttempts })
  const room = { core, settings, userAgent, downloads, uploads: new Slots(maxUploads) }
  return {
    pull: (request, progress) => pull(room, request, progress),
    push: (request, progress) => push(room, request, progress),
    inspect: (reference, credentials, signal) => inspect(room, reference, { credentials, signal }),
    login: (credentials) => login(room, credentials),
    search: (request) => search(room, request),
  }
}
