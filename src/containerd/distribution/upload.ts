import { createHash } from 'node:crypto'
import type { HttpAnswer } from './http-exchange.ts'
import type { Repository } from './repository.ts'

export interface Upload {
  digest: string
  size: number
  /** Each piece may be lent until the next is asked for. */
  open: () => AsyncIterable<Uint8Array>
  /** Other repositories of the registry that may have the blob. */
  mountFrom: readonly string[]
  onBytes: (sent: number) => void
}

/** Bytes up to which a blob goes in one request. */
const monolithic = 256 << 10

/**
 * Gives a repository a blob, by mounting it from another one if that can be, else by sending it: distribution-spec "Pushing
 * blobs". @returns the repository it was mounted from
 */
export async function upload(repository: Repository, blob: Upload): Promise<string | undefined> {
  const mounting = blob.mountFrom.map((from) => `?${new URLSearchParams({ mount: blob.digest, from }).toString()}`)
  let session: URL | undefined
  for (const [at, query] of mounting.entries()) {
    const answer = await begin(repository, query)
    if (answer.status === 201) return blob.mountFrom[at]
    session = locationOf(answer)
    if (at < mounting.length - 1) await cancel(repository, session)
  }
  session ??= locationOf(await begin(repository, ''))
  if (blob.size <= monolithic) {
    const bytes = Buffer.concat(await Array.fromAsync(blob.open(), (piece) => Buffer.from(piece)))
    await finish(repository, session, blob, bytes)
  } else {
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': blob.size }
    const answer = await repository.ask({ method: 'PATCH', url: session, headers, body: () => counted(blob) })
    answer.body.resume()
    await finish(repository, locationOf(answer), blob)
  }
  blob.onBytes(blob.size)
  return undefined
}

async function begin(repository: Repository, query: string): Promise<HttpAnswer> {
  const answer = await repository.ask({ method: 'POST', url: repository.url(`blobs/uploads/${query}`), headers: { 'Content-Length': 0 } })
  answer.body.resume()
  return answer
}

/** One that is forgotten takes room at the registry, nothing more. */
async function cancel(repository: Repository, session: URL): Promise<void> {
  const answer = await repository.ask({ method: 'DELETE', url: session }).catch(() => undefined)
  answer?.body.resume()
}

async function finish(repository: Repository, session: URL, { digest }: Upload, bytes?: Buffer): Promise<void> {
  const url = new URL(session)
  url.searchParams.set('digest', digest)
  const headers: Record<string, string | number> = bytes === undefined ? { 'Content-Length': 0 } : { 'Content-Type': 'application/octet-stream' }
  const answer = await repository.ask({ method: 'PUT', url, headers, ...(bytes && { body: bytes }) })
  answer.body.resume()
}

/** What goes out is what the digest says, or the last chunk does not go out. */
async function* counted({ open, digest, size, onBytes }: Upload): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256')
  let sent = 0
  for await (const chunk of open()) {
    hash.update(chunk)
    sent += chunk.length
    if (sent === size && `sha256:${hash.digest('hex')}` !== digest) throw new Error(`cannot push blob ${digest}: its file is damaged`)
    yield chunk
    onBytes(sent)
  }
}

function locationOf({ headers, request }: HttpAnswer): URL {
  return new URL(headers.location ?? '', request.url)
}
