import { GantryError } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import { streamProgress } from '../progress-stream.ts'
import type { Route } from '../route.ts'

/** Storage drivers, which Docker's API has no word for. */
export const storageRoutes: Route[] = [
  { method: 'POST', path: '/gantry/v1/storage/switch', handle: switchDriver },
  { method: 'POST', path: '/gantry/v1/storage/forget', handle: async (call) => call.json(await call.engine.storage.forget()) },
  { method: 'GET', path: '/gantry/v1/storage/images', handle: async (call) => call.json(call.engine.storage.otherImages()) },
  { method: 'POST', path: '/gantry/v1/storage/check', handle: async (call) => call.json(await call.engine.storage.check({ repair: call.query.bool('repair'), full: call.query.bool('full') })) },
  { method: 'POST', path: '/gantry/v1/containers/{name}/fs', handle: showFiles },
]

/** Tells the path, and keeps the mount for as long as the client stays. */
async function showFiles(call: Call): Promise<void> {
  const signal = call.signal()
  const view = await call.engine.containers.showFiles(call.ref)
  const left = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined))
  })
  try {
    call.begin('application/json')
    await call.write({ path: view.path })
    const error = await Promise.race([view.ended, left])
    if (error !== undefined) await call.write({ error })
    call.response.end()
  } finally {
    await view.close()
  }
}

async function switchDriver(call: Call): Promise<void> {
  const driver = call.query.optional('driver')
  if (driver === undefined) throw new GantryError('InvalidParameter', 'no storage driver was named')
  await streamProgress(call, async (progress) => call.engine.storage.switchDriver(driver, (line) => progress({ status: line })))
}
