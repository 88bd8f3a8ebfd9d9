import { GantryError } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import { buildkitBuild } from '../buildkit-build.ts'
import { classicBuildOf } from '../classic-build.ts'
import { progressBar } from '../progress-bar.ts'
import { progressError } from '../reply.ts'
import type { Route } from '../route.ts'

export const buildRoutes: Route[] = [
  { method: 'POST', path: '/build', handle: build },
  { method: 'POST', path: '/build/cancel', handle: cancel },
  { method: 'POST', path: '/build/prune', handle: prune },
]

async function build(call: Call): Promise<void> {
  if (call.query.string('version') === '2') return await buildkitBuild(call)
  const request = classicBuildOf(call)
  const { response } = call
  let written: Promise<void> = Promise.resolve()
  try {
    await call.engine.build.classic(
      request,
      (message) => {
        if (!response.headersSent) call.begin('application/json')
        const detail = 'progressDetail' in message ? message.progressDetail : undefined
        written = call.write({ ...message, ...(detail && { progress: progressBar(detail) }) })
      },
      call.signal(),
    )
  } catch (error) {
    if (!response.headersSent) throw error
    await call.writeText(progressError(error))
  }
  await written
  response.end()
}

function cancel(call: Call): void {
  const id = call.query.string('id')
  if (id === '') throw new GantryError('InvalidParameter', 'build ID not provided')
  call.engine.build.cancel(id)
  call.engine.buildkit.builds.cancel(id)
  call.empty(200)
}

async function prune(call: Call): Promise<void> {
  const { query } = call
  const keepStorage = query.int('reserved-space') ?? query.int('keep-storage')
  const [maxUsedSpace, minFreeSpace] = [query.int('max-used-space'), query.int('min-free-space')]
  const { CachesDeleted, SpaceReclaimed } = await call.engine.build.prune({ all: query.bool('all'), filters: query.filters(), ...(keepStorage !== undefined && { keepStorage }), ...(maxUsedSpace !== undefined && { maxUsedSpace }), ...(minFreeSpace !== undefined && { minFreeSpace }) })
  call.json({ CachesDeleted: CachesDeleted.length === 0 ? null : CachesDeleted, SpaceReclaimed })
}
