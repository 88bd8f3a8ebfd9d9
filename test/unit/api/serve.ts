import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createApiServer } from '../../../src/api/server.ts'
import type { ApiOptions } from '../../../src/api/server.ts'
import type { Engine } from '../../../src/engine/engine.ts'

export interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: string
  /** The body as JSON. */
  document: () => Record<string, unknown>
}

export interface Api {
  socketPath: string
  failures: unknown[]
  request: (method: string, path: string, options?: { body?: string | Buffer; headers?: Record<string, string> }) => Promise<Reply>
  /** A connection on which `head` has been sent. */
  raw: (head: string) => Socket
}

/** The API over `engine` on a private unix socket for the time of a test. */
export async function serve(test: TestContext, engine: Engine, options: Pick<ApiOptions, 'authorization'> = {}): Promise<Api> {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-api-'))
  const socketPath = join(directory, 's')
  const failures: unknown[] = []
  const api = createApiServer({ ...options, engine, engineVersion: 'test', onFailure: (_line, error) => failures.push(error) })
  api.http.listen(socketPath)
  await once(api.http, 'listening')
  test.after(async () => {
    await api.close()
    rmSync(directory, { recursive: true })
  })
  return { socketPath, failures, request: (method, path, options) => exchange(socketPath, { method, path, ...options }), raw: (head) => openRaw(socketPath, head) }
}

function exchange(
  socketPath: string,
  { method, path, body, headers }: { method: string; path: string; body?: string | Buffer; headers?: Record<string, string> },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const json: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' }
    const outgoing = httpRequest({ socketPath, method, path, headers: { ...json, ...headers }, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, document: () => JSON.parse(text) as Record<string, unknown> })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function openRaw(socketPath: string, head: string): Socket {
  const socket = connect({ path: socketPath, allowHalfOpen: true })
  socket.on('error', () => socket.destroy())
  socket.write(head)
  return socket
}
