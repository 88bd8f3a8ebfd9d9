import { ServerResponse, createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { Readable } from 'node:stream'
import type { Duplex } from 'node:stream'
import type { Engine } from '../engine/engine.ts'
import { GantryError, errorTable, kindOf, messageOf } from '../lib/errors.ts'
import { authorize } from './authorization.ts'
import type { Authorization, AuthorizationPlugin } from './authorization.ts'
import { Call } from './call.ts'
import { hijack } from './hijack.ts'
import { sendError } from './reply.ts'
import { createRouter } from './router.ts'
import { routes } from './routes.ts'
import { switchProtocols } from './switch-protocols.ts'
import { readUpgradeBody } from './upgrade-body.ts'
import { maxApiVersion, negotiate } from './version.ts'
import { acceptWebSocket } from './websocket/handshake.ts'
import { joinWebSocket } from './websocket/join.ts'

export interface ApiOptions {
  engine: Engine
  /** For the `Server` header. */
  engineVersion: string
  /** Asked about every request that has a route, and about answers that are documents. */
  authorization?: () => readonly AuthorizationPlugin[]
  /** Told of every request ("GET /v1.51/_ping"). */
  onRequest?: (line: string) => void
  /** Told of every failure that is not the client's. */
  onFailure?: (line: string, error: unknown) => void
}

export interface ApiServer {
  /** Not listening yet; any number of listeners may be attached by `handle`. */
  readonly http: Server
  /** Cuts every connection, hijacked ones too, and stops listening. */
  close(): Promise<void>
}

/** Bytes of a request's head, as Go's net/http allows. */
const maxHeaderSize = 1024 * 1024
/** The periodic check for slow requests is of no use (uploads may take hours) and would wake an idle engine. */
const never = 2 ** 31 - 1

/** The Engine API as an HTTP server over `engine`. */
export function createApiServer(options: ApiOptions): ApiServer {
  const router = createRouter(routes)
  const sockets = new Set<Duplex>()
  const http = createServer(
    {
      maxHeaderSize,
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: 0,
      connectionsCheckingInterval: never,
      shouldUpgradeCallback: (request) => isHijackable(request),
    },
    (request, response) => void serve({ request, response, socket: request.socket, body: () => Promise.resolve(detached(request)), upgrade: false }),
  )
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  http.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseMalformed(error, socket))
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0])
    response.on('finish', () => socket.end(() => socket.destroy()))
    void serve({ request, response, socket, body: () => readUpgradeBody(request, socket, head), upgrade: true })
  })

  async function serve(exchange: Exchange): Promise<void> {
    const { request, response } = exchange
    const line = `${request.method} ${request.url}`
    options.onRequest?.(line)
    response.setHeader('Api-Version', maxApiVersion)
    response.setHeader('Docker-Experimental', String(options.engine.system.experimental))
    response.setHeader('Ostype', 'linux')
    response.setHeader('Server', `Gantry/${options.engineVersion} (linux)`)
    response.on('error', () => response.destroy())
    try {
      await dispatch(exchange)
    } catch (error) {
      if (kindOf(error) === 'System') options.onFailure?.(line, error)
      sendError(response, error)
    }
  }

  async function dispatch({ request, response, socket, body, upgrade }: Exchange): Promise<void> {
    const { path, query, minor } = parseTarget(request.url ?? '/')
    const match = router(request.method ?? 'GET', path)
    if (match === undefined) throw new GantryError('NotFound', 'page not found')
    const plugins = options.authorization?.() ?? []
    const received = await body()
    const authorization = plugins.length === 0 ? undefined : await authorize(plugins, request, received)
    const call = new Call({
      engine: options.engine,
      request,
      response,
      body: authorization?.body ?? received,
      params: match.params,
      query,
      minor,
      hijack: (session) => hijack({ socket, response, session, upgrade, minor }),
      switchProtocols: (protocol) => switchProtocols({ socket, response, protocol }),
      webSocket: (session) => joinWebSocket({ socket, response, head: acceptWebSocket(request.headers), ...session }),
      review: authorization?.review,
    })
    try {
      await match.route.handle(call)
      if (authorization !== undefined && !call.reviewed) tellWhenOver({ response, socket, upgrade }, authorization)
    } catch (error) {
      // Who keeps a record hears of failures too; there is nothing left to deny.
      await authorization?.review(errorTable[kindOf(error)].status, { message: messageOf(error) }).catch(() => {})
      throw error
    }
  }

  function isHijackable(request: IncomingMessage): boolean {
    try {
      const { path } = parseTarget(request.url ?? '/')
      return router(request.method ?? 'GET', path)?.route.hijacks === true
    } catch {
      return false
    }
  }

  return {
    http,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  /** Where the bytes go; from Node 26 on not always the request's own socket. */
  socket: Duplex
  body: () => Promise<Readable>
  upgrade: boolean
}

/** A reader that gives up on a body must not take the connection, and with it the reply, down. */
function detached(request: IncomingMessage): Readable {
  return Readable.from(request.iterator({ destroyOnReturn: false }), { objectMode: false })
}

/** Plugins hear of a stream when it is over: its status, without what was in it. There is nothing left to deny. */
function tellWhenOver({ response, socket, upgrade }: Pick<Exchange, 'response' | 'socket' | 'upgrade'>, { review }: Authorization): void {
  let told = false
  const tell = (): void => {
    if (!told) void review(upgrade ? 101 : response.statusCode).catch(() => {})
    told = true
  }
  if (response.writableEnded || socket.destroyed) return tell()
  response.once('close', tell)
  socket.once('close', tell)
}

function parseTarget(target: string): { path: string; query: string; minor: number } {
  const [rawPath = '/', ...rest] = target.split('?')
  const { path, minor } = negotiate(decode(rawPath))
  return { path, minor, query: rest.join('?') }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch (error) {
    throw new GantryError('InvalidParameter', `invalid URL escape in ${JSON.stringify(path)}`, { cause: error })
  }
}

/** Go's answer to what is not HTTP. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`, () => socket.destroy())
}
