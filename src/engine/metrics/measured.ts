import type { Images } from '../engine.ts'
import type { Builds } from '../types/builds.ts'
import type { BuildCounter } from './build-counter.ts'
import { timed } from './timed.ts'

/** The same images, with the time that their actions take told. */
export function measuredImages(images: Images): Images {
  return {
    ...images,
    pull: (request, progress) => timed('image_actions', 'pull', () => images.pull(request, progress)),
    push: (request, progress) => timed('image_actions', 'push', () => images.push(request, progress)),
    remove: (reference, options) => timed('image_actions', 'delete', () => images.remove(reference, options)),
    history: (reference) => timed('image_actions', 'history', () => images.history(reference)),
  }
}

/** The same builds, counted: those of both kinds of clients. A classic build says in its last message that a step failed. */
export function countedBuilds<Counted extends Builds>(builds: Counted, counter: BuildCounter | undefined): Counted {
  if (counter === undefined) return builds
  return {
    ...builds,
    build: (request, report, signal) => counter.count(() => builds.build(request, report, signal), signal),
    classic: (request, tell, signal) =>
      counter.count(async (fail) => {
        await builds.classic(request, (message) => {
          if ('errorDetail' in message) fail('error_processing_commands_error')
          tell(message)
        }, signal)
      }, signal),
  }
}
