import type { PathStat } from '../../engine/engine.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import type { Route } from '../route.ts'

const tarType = 'application/x-tar'

export const archiveRoutes: Route[] = [
  { method: 'HEAD', path: '/containers/{name}/archive', handle: stat },
  { method: 'GET', path: '/containers/{name}/archive', handle: get },
  { method: 'PUT', path: '/containers/{name}/archive', handle: put },
  { method: 'GET', path: '/containers/{name}/export', handle: async (call) => call.stream('application/octet-stream', await call.engine.containers.export(call.ref)) },
]

async function stat(call: Call): Promise<void> {
  setPathStat(call, await call.engine.containers.statPath(call.ref, pathOf(call)))
  call.empty(200)
}

async function get(call: Call): Promise<void> {
  const { stat: found, tar } = await call.engine.containers.getArchive(call.ref, pathOf(call))
  setPathStat(call, found)
  await call.stream(tarType, tar)
}

async function put(call: Call): Promise<void> {
  await call.engine.containers.putArchive(call.ref, pathOf(call), {
    tar: call.body,
    noOverwriteDirNonDir: call.query.bool('noOverwriteDirNonDir'),
    copyUidGid: call.query.bool('copyUIDGID'),
  })
  call.empty(200)
}

function pathOf(call: Call): string {
  const path = call.query.string('path')
  if (path === '') throw new GantryError('InvalidParameter', 'bad parameter: path cannot be empty')
  if (path.includes('\0')) throw new GantryError('InvalidParameter', 'bad parameter: path holds a NUL byte')
  return path
}

function setPathStat(call: Call, found: PathStat): void {
  call.response.setHeader('X-Docker-Container-Path-Stat', Buffer.from(JSON.stringify(found)).toString('base64'))
}
