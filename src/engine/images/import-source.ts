import type { Readable } from 'node:stream'
import { httpGet } from '../../build/copy/http-get.ts'
import type { ProgressMessage } from '../../containerd/distribution/contract.ts'
import { NetworkError } from '../../containerd/distribution/network-error.ts'
import { GantryError } from '../../lib/errors.ts'

/**
 * Opens the archive behind a URL, of which the scheme may be left out, and tells how far it has come.
 * @throws InvalidParameter for what is no URL, NotFound and kin for what the server answers, with Docker's words
 */
export async function openImportSource(source: string, { signal, progress }: { signal: AbortSignal; progress: (message: ProgressMessage) => void }): Promise<AsyncIterable<Uint8Array>> {
  const text = /^[a-z]+:\/\//i.test(source) ? source : `http://${source}`
  if (!URL.canParse(text)) throw new GantryError('InvalidParameter', `invalid URL ${JSON.stringify(source)}`)
  const response = await httpGet(text, { headers: {}, signal }).catch((error: unknown) => {
    const cause = error instanceof GantryError ? error.cause : undefined
    throw cause === undefined ? error : new NetworkError({ method: 'GET', url: new URL(text) }, cause)
  })
  const { statusCode = 0, statusMessage = '' } = response
  if (statusCode >= 400) {
    response.resume()
    throw new GantryError(statusCode === 404 ? 'NotFound' : 'System', `failed to GET ${source} with status ${statusCode} ${statusMessage}`)
  }
  progress({ status: `Downloading from ${text}` })
  return told(response, { total: Number(response.headers['content-length'] ?? 0), progress })
}

async function* told(response: Readable, { total, progress }: { total: number; progress: (message: ProgressMessage) => void }): AsyncGenerator<Uint8Array> {
  let current = 0
  let next = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    current += chunk.length
    if (current >= next) {
      progress({ status: 'Importing', progressDetail: { current, total } })
      next = current + (512 << 10)
    }
    yield chunk
  }
}
