import { createHash, hash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { GantryError } from '../../lib/errors.ts'
import { httpGet } from './http-get.ts'
import { markUsed } from './kept-sources.ts'

export interface Downloaded {
  /** Mode 0600, its time is that of Last-Modified. */
  file: string
  /** "sha256:…" of the content. */
  digest: string
  /** Last part of the URL's path, or what the server calls it. */
  name: string
  /** Last-Modified in milliseconds since the epoch; 0 when the server does not say. */
  modified: number
}

interface Remembered extends Omit<Downloaded, 'file'> {
  url: string
  etag?: string
  lastModified?: string
}

export interface DownloadOptions {
  /** Where downloads are kept, one directory for each URL. */
  directory: string
  signal: AbortSignal
  /** "sha256:…" that the content has to have. */
  checksum?: string
  progress?: (current: number, total: number) => void
}

/**
 * Fetches a URL, or finds that what was fetched before is still what the server has (ETag, Last-Modified). Source: Dockerfile reference, ADD.
 * @throws InvalidParameter "digest mismatch …", "invalid response status 404"
 */
export async function download(url: string, options: DownloadOptions): Promise<Downloaded> {
  const home = path.join(options.directory, hash('sha256', url))
  const found = await fetched(url, { ...options, home })
  await markUsed(home)
  return found
}

async function fetched(url: string, options: DownloadOptions & { home: string }): Promise<Downloaded> {
  const { home, checksum } = options
  nameInUrl(url)
  if (checksum !== undefined) checkedDigest(checksum)
  const before = await remembered(home, url)
  // A checksum says what is wanted, whatever the server would answer now.
  if (before !== undefined && checksum === before.digest) return resultOf(home, before)
  const response = await httpGet(url, { headers: validators(before), signal: options.signal })
  if (response.statusCode === 304 && before !== undefined) {
    response.resume()
    return resultOf(home, checked(before, checksum))
  }
  if (response.statusCode === undefined || response.statusCode < 200 || response.statusCode >= 400) {
    response.resume()
    throw new GantryError('InvalidParameter', `invalid response status ${response.statusCode}`)
  }
  const { etag, 'last-modified': lastModified } = response.headers
  await mkdir(home, { recursive: true, mode: 0o700 })
  const half = path.join(home, `tmp-${randomUUID()}`)
  try {
    const digest = await save(response, { half, options })
    const modified = Date.parse(lastModified ?? '')
    const now: Remembered = { url, digest, name: nameOf(url, response), modified: Number.isNaN(modified) ? 0 : modified, ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { lastModified }) }
    checked(now, checksum)
    await utimes(half, 0, now.modified / 1000)
    await rename(half, path.join(home, digest.slice('sha256:'.length)))
    await writeFile(`${half}.json`, JSON.stringify(now), { mode: 0o600 })
    await rename(`${half}.json`, path.join(home, 'answer.json'))
    return resultOf(home, now)
  } finally {
    await rm(half, { force: true })
  }
}

async function save(response: IncomingMessage, { half, options }: { half: string; options: DownloadOptions }): Promise<string> {
  const sum = createHash('sha256')
  const total = Number(response.headers['content-length'] ?? 0)
  let current = 0
  await pipeline(
    response,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        sum.update(chunk)
        current += chunk.length
        options.progress?.(current, total)
        yield chunk
      }
    },
    createWriteStream(half, { mode: 0o600, flags: 'wx' }),
    { signal: options.signal },
  )
  return `sha256:${sum.digest('hex')}`
}

async function remembered(home: string, url: string): Promise<Remembered | undefined> {
  try {
    const known = JSON.parse(await readFile(path.join(home, 'answer.json'), 'utf8')) as Remembered
    const sum = createHash('sha256')
    await pipeline(createReadStream(path.join(home, known.digest.slice('sha256:'.length))), sum)
    return known.url === url && `sha256:${sum.digest('hex')}` === known.digest ? known : undefined
  } catch {
    return undefined // never fetched, or cut off by a crash
  }
}

function validators(before: Remembered | undefined): Record<string, string> {
  if (before?.etag !== undefined) return { 'if-none-match': before.etag }
  return before?.lastModified === undefined ? {} : { 'if-modified-since': before.lastModified }
}

function checked(known: Remembered, checksum: string | undefined): Remembered {
  if (checksum !== undefined && known.digest !== checksum) throw new GantryError('InvalidParameter', `digest mismatch ${known.digest}: ${checksum}`)
  return known
}

function resultOf(home: string, { digest, name, modified }: Remembered): Downloaded {
  return { file: path.join(home, digest.slice('sha256:'.length)), digest, name, modified }
}

/** @throws InvalidParameter for what is no SHA-256 */
export function checkedDigest(checksum: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(checksum)) throw new GantryError('InvalidParameter', `invalid checksum digest format: ${JSON.stringify(checksum)}`)
  return checksum
}

/** The last part of a URL's path. @throws InvalidParameter for what is no URL */
export function nameInUrl(url: string): string | undefined {
  if (!URL.canParse(url)) throw new GantryError('InvalidParameter', `invalid URL ${JSON.stringify(url)}`)
  return lastPart(decoded(new URL(url).pathname))
}

/** Never more than one part of a path. */
function nameOf(url: string, response: IncomingMessage): string {
  const own = nameInUrl(url)
  if (own !== undefined) return own
  const [, quoted, bare] = /filename="([^"]*)"|filename=([^;\s]+)/i.exec(response.headers['content-disposition'] ?? '') ?? []
  return lastPart(quoted ?? bare ?? '') ?? '__unnamed__'
}

function lastPart(text: string): string | undefined {
  const base = path.basename(text)
  return base === '' || base === '.' || base === '..' || base.includes('\0') ? undefined : base
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
