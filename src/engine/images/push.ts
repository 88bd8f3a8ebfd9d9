import type { Distribution, Progress } from '../../containerd/distribution/contract.ts'
import type { ImageStore } from '../../containerd/images/contract.ts'
import type { Events, PushImageRequest } from '../engine.ts'
import { announceMoved } from './announce-moved.ts'

export interface PushImages {
  distribution: Distribution
  store: ImageStore
  events: Events
  request: PushImageRequest
  progress: Progress
}

/** Pushes, and tells of each reference that went. */
export async function pushImages({ distribution, store, events, request, progress }: PushImages): Promise<void> {
  const pushed = await distribution.push(request, progress)
  for (const each of pushed) announceMoved({ store, events, action: 'push', ...each })
}
