import type { Call } from '../call.ts'
import type { Route } from '../route.ts'
import { execConfig, execStart } from '../shapes.ts'

export const execRoutes: Route[] = [
  { method: 'POST', path: '/containers/{name}/exec', handle: create },
  { method: 'POST', path: '/exec/{name}/start', handle: start, hijacks: true },
  { method: 'POST', path: '/exec/{name}/resize', handle: resize },
  { method: 'GET', path: '/exec/{name}/json', handle: async (call) => call.json(await call.engine.exec.inspect(call.ref)) },
]

async function create(call: Call): Promise<void> {
  const config = await call.readJson(execConfig, { required: true })
  if (call.minor < 42) delete config.ConsoleSize
  call.json(await call.engine.exec.create(call.ref, config), 201)
}

async function start(call: Call): Promise<void> {
  const options = await call.readJson(execStart)
  const session = await call.engine.exec.start(call.ref, {
    detach: options.Detach ?? false,
    tty: options.Tty ?? false,
    size: call.minor < 42 ? undefined : sizeOf(options.ConsoleSize),
  })
  if (session === undefined) return call.empty(200)
  call.hijack(session)
}

async function resize(call: Call): Promise<void> {
  await call.engine.exec.resize(call.ref, call.query.size())
  call.empty(200)
}

/** Rows and columns; 0 by 0 is not given. */
function sizeOf(consoleSize: [number, number] | undefined): { width: number; height: number } | undefined {
  if (consoleSize === undefined || consoleSize[0] === 0 || consoleSize[1] === 0) return undefined
  return { height: consoleSize[0], width: consoleSize[1] }
}
