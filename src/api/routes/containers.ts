import type { WaitCondition } from '../../engine/engine.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import { containerStats } from '../container-stats.ts'
import { createContainer } from '../create-container.ts'
import { containerFor } from '../older-answers.ts'
import type { Route } from '../route.ts'
import { updateContainer } from '../update-container.ts'

export const containerRoutes: Route[] = [
  { method: 'GET', path: '/containers/json', handle: list },
  { method: 'POST', path: '/containers/create', handle: createContainer },
  { method: 'POST', path: '/containers/prune', handle: async (call) => call.json(await call.engine.containers.prune(call.query.filters())) },
  { method: 'GET', path: '/containers/{name}/json', handle: inspect },
  { method: 'GET', path: '/containers/{name}/top', handle: top },
  { method: 'GET', path: '/containers/{name}/logs', handle: logs },
  { method: 'GET', path: '/containers/{name}/changes', handle: async (call) => call.json(await call.engine.containers.changes(call.ref)) },
  { method: 'POST', path: '/containers/{name}/start', handle: start },
  { method: 'POST', path: '/containers/{name}/stop', handle: act((call) => call.engine.containers.stop(call.ref, stopOptions(call))) },
  { method: 'POST', path: '/containers/{name}/restart', handle: act((call) => call.engine.containers.restart(call.ref, stopOptions(call))) },
  { method: 'POST', path: '/containers/{name}/kill', handle: act((call) => call.engine.containers.kill(call.ref, call.query.optional('signal') ?? 'SIGKILL')) },
  { method: 'POST', path: '/containers/{name}/pause', handle: act((call) => call.engine.containers.pause(call.ref)) },
  { method: 'POST', path: '/containers/{name}/unpause', handle: act((call) => call.engine.containers.unpause(call.ref)) },
  { method: 'POST', path: '/containers/{name}/rename', handle: act((call) => call.engine.containers.rename(call.ref, call.query.string('name'))) },
  { method: 'POST', path: '/containers/{name}/resize', handle: resize },
  { method: 'POST', path: '/containers/{name}/wait', handle: wait },
  { method: 'POST', path: '/containers/{name}/update', handle: updateContainer },
  { method: 'GET', path: '/containers/{name}/stats', handle: containerStats },
  { method: 'POST', path: '/containers/{name}/attach', handle: attach, hijacks: true },
  { method: 'GET', path: '/containers/{name}/attach/ws', handle: attachWebSocket, hijacks: true },
  { method: 'DELETE', path: '/containers/{name}', handle: remove },
]

/** A verb that answers 204. */
function act(verb: (call: Call) => Promise<void>): Route['handle'] {
  return async (call) => {
    await verb(call)
    call.empty()
  }
}

async function start(call: Call): Promise<void> {
  const { headers } = call.request
  // Settings in the body were removed with API 1.24; no document that says something is shorter.
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 7) {
    throw new GantryError('InvalidParameter', 'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24')
  }
  const [checkpoint, directory] = [call.query.string('checkpoint'), call.query.string('checkpoint-dir')]
  if (checkpoint !== '' && !call.engine.system.experimental) throw new GantryError('InvalidParameter', 'checkpoint is only supported in experimental mode')
  await call.engine.containers.start(call.ref, checkpoint === '' ? undefined : { checkpoint, directory })
  call.empty()
}

async function list(call: Call): Promise<void> {
  const { query } = call
  const summaries = await call.engine.containers.list({
    all: query.bool('all'),
    limit: query.int('limit') ?? 0,
    size: query.bool('size'),
    filters: query.filters(),
  })
  // Annotations came with API 1.46.
  if (call.minor < 46) for (const { HostConfig } of summaries) delete HostConfig.Annotations
  if (call.minor < 48) for (const summary of summaries) delete summary.ImageManifestDescriptor
  call.json(summaries)
}

async function inspect(call: Call): Promise<void> {
  call.json(containerFor(call.minor, await call.engine.containers.inspect(call.ref, { size: call.query.bool('size') })))
}

async function top(call: Call): Promise<void> {
  call.json(await call.engine.containers.top(call.ref, call.query.optional('ps_args') ?? '-ef'))
}

async function resize(call: Call): Promise<void> {
  await call.engine.containers.resize(call.ref, call.query.size())
  call.empty(200)
}

async function remove(call: Call): Promise<void> {
  if (call.query.bool('link')) throw new GantryError('NotImplemented', 'not implemented yet: --link')
  await call.engine.containers.remove(call.ref, { force: call.query.bool('force'), volumes: call.query.bool('v') })
  call.empty()
}

async function logs(call: Call): Promise<void> {
  const { query } = call
  const stdout = query.bool('stdout')
  const stderr = query.bool('stderr')
  if (!stdout && !stderr) throw new GantryError('InvalidParameter', 'Bad parameters: you must choose at least one stream')
  const tail = query.string('tail')
  const { tty, stream } = await call.engine.containers.logs(call.ref, {
    stdout,
    stderr,
    follow: query.bool('follow'),
    timestamps: query.bool('timestamps'),
    details: query.bool('details'),
    tail: /^\d+$/.test(tail) ? Number(tail) : undefined,
    since: query.nanoseconds('since'),
    until: query.nanoseconds('until'),
  })
  const multiplexed = !tty && call.minor >= 42
  await call.stream(`application/vnd.docker.${multiplexed ? 'multiplexed-stream' : 'raw-stream'}`, stream)
}

function stopOptions(call: Call): { timeout?: number; signal?: string } {
  // Naming a signal came with API 1.42.
  return { timeout: call.query.int('t'), signal: call.minor < 42 ? undefined : call.query.optional('signal') }
}

async function wait(call: Call): Promise<void> {
  const signal = call.signal()
  try {
    await waitUntil(call, signal)
  } catch (error) {
    // A client that left has no use for an answer.
    if (!signal.aborted) throw error
  }
}

async function waitUntil(call: Call, signal: AbortSignal): Promise<void> {
  const { containers } = call.engine
  if (call.minor < 30) {
    const { StatusCode } = await containers.wait(call.ref, 'not-running', () => {}, signal)
    return call.json({ StatusCode })
  }
  // From API 1.30 on headers say that waiting has begun; `docker run` starts the container only then.
  const result = await containers.wait(call.ref, waitCondition(call.query.string('condition')), () => call.begin('application/json'), signal)
  if (!call.response.headersSent) call.begin('application/json')
  await call.write(result)
  call.response.end()
}

function waitCondition(text: string): WaitCondition {
  if (text === '') return 'not-running'
  if (text === 'not-running' || text === 'next-exit' || text === 'removed') return text
  throw new GantryError('InvalidParameter', `invalid condition: ${JSON.stringify(text)}`)
}

async function attach(call: Call): Promise<void> {
  const { query } = call
  const session = await call.engine.containers.attach(call.ref, {
    stdin: query.bool('stdin'),
    stdout: query.bool('stdout'),
    stderr: query.bool('stderr'),
    stream: query.bool('stream'),
    logs: query.bool('logs'),
    detachKeys: query.optional('detachKeys'),
  })
  call.hijack(session)
}

/** Which streams can be told since API 1.42; before, it is all of them. Their bytes are not kept apart. */
async function attachWebSocket(call: Call): Promise<void> {
  const { query, minor } = call
  const asked = (name: string): boolean => minor < 42 || query.bool(name)
  const [stdin, stream] = [asked('stdin'), query.bool('stream')]
  const session = await call.engine.containers.attach(call.ref, {
    stdin,
    stdout: asked('stdout'),
    stderr: asked('stderr'),
    stream,
    logs: query.bool('logs'),
    detachKeys: query.optional('detachKeys'),
  })
  try {
    call.webSocket({ session, stdin: stdin && stream, text: minor < 28 })
  } catch (error) {
    session.stream.destroy()
    throw error
  }
}
