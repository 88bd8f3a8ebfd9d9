import { tarEntry } from '../../../src/lib/tar/entry.ts'
import { writeTar, type TarMember } from '../../../src/lib/tar/writer.ts'
import type { Engine } from './engine.ts'

/** Names to contents; a name that ends with "/" is a directory, "-> target" a link, [mode, text] a file with a mode. */
export type Files = Record<string, string | [mode: number, text: string]>

export interface BuildOptions {
  files?: Files
  /** Of POST /build. */
  query?: Record<string, string>
}

export interface Built {
  status: number
  /** What a client would show. */
  text: string
  imageId: string | undefined
  error: string | undefined
  code: number | undefined
  /** Steps that came from the cache. */
  cached: number
}

export async function contextTar(files: Files): Promise<Buffer> {
  const members = Object.entries(files).map(([name, content]): TarMember => {
    if (name.endsWith('/')) return { entry: tarEntry({ name, type: 'directory', mtime: 1_000_000_000_000_000_000n }) }
    const [mode, text] = typeof content === 'string' ? [0o644, content] : content
    const target = /^-> (.*)/.exec(text)?.[1]
    if (target !== undefined) return { entry: tarEntry({ name, type: 'symlink', linkName: target }) }
    const bytes = Buffer.from(text)
    return { entry: tarEntry({ name, mode, size: bytes.length, mtime: 1_000_000_000_000_000_000n }), content: [bytes] }
  })
  const chunks: Buffer[] = []
  for await (const chunk of writeTar(members)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A build as the stock client without BuildKit asks for it. */
export async function classicBuild(engine: Pick<Engine, 'api'>, dockerfile: string, { files = {}, query = {} }: BuildOptions = {}): Promise<Built> {
  const body = await contextTar({ Dockerfile: dockerfile, ...files })
  return await postBuild(engine, body, query)
}

export async function postBuild(engine: Pick<Engine, 'api'>, body: Buffer, query: Record<string, string> = {}): Promise<Built> {
  const { status, text } = await engine.api({ method: 'POST', path: `/build?${new URLSearchParams(query).toString()}`, body, contentType: 'application/x-tar' })
  const messages = text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Message)
  const shown = messages.map(({ stream = '' }) => stream).join('')
  const failure = messages.find(({ error, message }) => error !== undefined || message !== undefined)
  return {
    status,
    text: shown,
    imageId: messages.find(({ aux }) => aux?.ID !== undefined)?.aux?.ID,
    error: failure?.error ?? failure?.message,
    code: failure?.errorDetail?.code,
    cached: shown.split(' ---> Using cache').length - 1,
  }
}

interface Message {
  stream?: string
  aux?: { ID: string }
  error?: string
  message?: string
  errorDetail?: { code?: number; message: string }
}
