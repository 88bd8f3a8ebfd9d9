import type { ImageCore } from '../images/image-core.ts'
import type { Distribution } from './contract.ts'
import { inspect } from './inspect.ts'
import { login } from './login.ts'
import { pull } from './pull.ts'
import { push } from './push.ts'
import { atRemote } from './remote-content.ts'
import type { RegistrySettings } from './registry-settings.ts'
import { search } from './search.ts'
import { SharedDownloads } from './shared-downloads.ts'
import { Slots } from './slots.ts'

/** Distribution between registries and an image store. What `settings` says is asked each time, as it can be reloaded. */
export function createDistribution(options: { core: ImageCore; settings: RegistrySettings; userAgent: string }): Distribution {
  const { core, settings, userAgent } = options
  const downloads = new SharedDownloads({ content: core.content, maxDownloads: () => settings.maxDownloads, maxAttempts: () => settings.maxAttempts })
  const room = { core, settings, userAgent, downloads, uploads: new Slots(() => settings.maxUploads) }
  return {
    pull: (request, progress) => pull(room, request, progress),
    push: (request, progress) => push(room, request, progress),
    inspect: (reference, credentials, signal) => inspect(room, reference, { credentials, signal }),
    login: (credentials) => login(room, credentials),
    atRemote: (request, use) => atRemote(room, request, use),
    search: (request) => search(room, request),
  }
}
