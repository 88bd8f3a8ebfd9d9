import { appendFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'

export interface PluginAnswer {
  status: number
  type: string
  body: object
}

/** Serves a plugin of Docker's on a unix socket; every call is appended to `calls`. */
export function servePlugin(socket: string, calls: string, answer: (request: IncomingMessage, text: string) => PluginAnswer): void {
  rmSync(socket, { force: true })
  createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      appendFileSync(calls, `${request.url} ${text}\n`)
      const { status, type, body } = answer(request, text)
      response.writeHead(status, { 'Content-Type': type }).end(JSON.stringify(body))
    })
  }).listen(socket)
}
