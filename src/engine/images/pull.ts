import type { Distribution, Progress } from '../../containerd/distribution/contract.ts'
import type { ImageStore } from '../../containerd/images/contract.ts'
import type { Events, PullImageRequest } from '../engine.ts'
import { announceMoved } from './announce-moved.ts'

export interface PullImages {
  distribution: Distribution
  store: ImageStore
  events: Events
  request: PullImageRequest
  progress: Progress
}

/** Pulls, and tells of each reference that came. */
export async function pullImages({ distribution, store, events, request, progress }: PullImages): Promise<void> {
  const pulled = await distribution.pull(request, progress)
  for (const each of pulled) announceMoved({ store, events, action: 'pull', ...each })
}
