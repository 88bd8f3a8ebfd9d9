import http from 'node:http'

export interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  text: string
}

export interface ApiRequest {
  method?: string
  path: string
  /** Sent as it is, so that it may be broken. */
  body?: string | Buffer
  contentType?: string
}

/** One Engine API request over a unix socket, without any client's opinion. */
export function request(socket: string, { method = 'GET', path, body, contentType = 'application/json' }: ApiRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }
    const call = http.request({ socketPath: socket, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() })
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}

/** Follows the engine's events; calls `created` with the id of each container that is made. Answers a function that stops it. */
export function followCreations(socket: string, created: (id: string) => void): () => void {
  const filters = encodeURIComponent(JSON.stringify({ type: ['container'], event: ['create'] }))
  const call = http.request({ socketPath: socket, path: `/events?filters=${filters}`, agent: false }, (response) => {
    let rest = ''
    response.setEncoding('utf8')
    response.on('error', () => {})
    response.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) created(JSON.parse(line).Actor.ID)
    })
  })
  call.on('error', () => {})
  call.end()
  return () => call.destroy()
}
