import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Duplex } from 'node:stream'
import { checkAgentMethod, credentialsMethod, directorySend, fileSend, fileSync, forwardAgentMethod, secretMethod, sessionKey, uploadMethod } from '../../lib/buildkit/session-messages.ts'
import { encodeValues } from '../../lib/buildkit/header-values.ts'
import { GantryError } from '../../lib/errors.ts'
import { receiveFiles } from '../../lib/fsutil/receive.ts'
import type { ReceiveOptions } from '../../lib/fsutil/receive.ts'
import { sendFiles } from '../../lib/fsutil/send.ts'
import type { SentFile } from '../../lib/fsutil/send.ts'
import { GrpcClient } from '../../lib/grpc/client.ts'
import { debugShell } from '../../lib/buildkit/debug-messages.ts'
import type { ClientContent, DebugTerminal } from '../contract.ts'
import { sessionContent } from './session-content.ts'

export interface SessionHead {
  id: string
  name: string
  /** Names what the client builds: contexts of the same key are kept from one build to the next. */
  sharedKey: string
  /** Paths of the methods that the client offers. */
  methods: ReadonlySet<string>
}

export interface SyncDirectory extends ReceiveOptions {
  name: string
  includes?: string[]
  excludes?: string[]
  signal: AbortSignal
}

/** What the client of a build offers, over the connection that it has opened for that. */
export class BuildSession {
  readonly head: SessionHead
  readonly #client: GrpcClient

  constructor(connection: Duplex, head: SessionHead) {
    this.head = head
    this.#client = new GrpcClient(connection)
  }

  get closed(): Promise<void> {
    return this.#client.closed
  }

  close(): void {
    this.#client.close()
  }

  /** Brings a directory of the client here. @returns what is there now */
  async syncDirectory({ name, includes, excludes, signal, ...receive }: SyncDirectory): Promise<Map<string, string>> {
    if (!this.head.methods.has(fileSync.path)) throw new GantryError('InvalidParameter', 'no local sources enabled')
    const metadata = encodeValues({ [sessionKey.directory]: [name], ...(includes && { [sessionKey.includes]: includes }), ...(excludes && { [sessionKey.excludes]: excludes }) })
    const stream = this.#client.stream(fileSync.path, fileSync, { metadata, signal })
    const after = await receiveFiles({ send: (packet) => stream.send(packet), packets: stream.responses }, receive)
    stream.end()
    return after
  }

  /** Undefined when the client has no such secret. */
  async secret(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (!this.head.methods.has(secretMethod.path)) return undefined
    try {
      return (await this.#client.call(secretMethod.path, secretMethod, { id }, { signal })).data
    } catch (error) {
      if (error instanceof GantryError && (error.kind === 'NotFound' || error.kind === 'NotImplemented')) return undefined
      throw error
    }
  }

  async credentials(host: string, signal: AbortSignal): Promise<{ username?: string; password?: string; identityToken?: string } | undefined> {
    if (!this.head.methods.has(credentialsMethod.path)) return undefined
    const { username, secret } = await this.#client.call(credentialsMethod.path, credentialsMethod, { host }, { signal })
    if (secret === '') return undefined
    return username === '' ? { identityToken: secret } : { username, password: secret }
  }

  async hasAgent(id: string, signal: AbortSignal): Promise<boolean> {
    if (!this.head.methods.has(checkAgentMethod.path)) return false
    try {
      await this.#client.call(checkAgentMethod.path, checkAgentMethod, { id }, { signal })
      return true
    } catch {
      return false
    }
  }

  /** A socket at `path` whose connections lead to the client's agent, until the returned function is called. */
  async listenForAgent(id: string, path: string, signal: AbortSignal): Promise<() => Promise<void>> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => sockets.delete(socket))
      void this.#forwardAgent(id, socket, signal).catch(() => socket.destroy())
    })
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
    return async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await rm(path, { force: true })
    }
  }

  async #forwardAgent(id: string, socket: Socket, signal: AbortSignal): Promise<void> {
    const stream = this.#client.stream(forwardAgentMethod.path, forwardAgentMethod, { metadata: { [sessionKey.sshId]: [id] }, signal })
    const back = (async () => {
      for await (const { data } of stream.responses) socket.write(data)
      socket.end()
    })()
    for await (const data of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) await stream.send({ data })
    stream.end()
    await back
  }

  /** Sends what an exporter has made into the file that the client has chosen for it. */
  async sendFile(exporter: number, content: Readable, options: { metadata?: Readonly<Record<string, string>>; signal: AbortSignal }): Promise<void> {
    const metadata = encodeValues({
      [sessionKey.exporter]: [String(exporter)],
      ...Object.fromEntries(Object.entries(options.metadata ?? {}).map(([name, value]) => [`${sessionKey.exporterMetadata}${name.toLowerCase()}`, [value]])),
    })
    const stream = this.#client.stream(fileSend.path, fileSend, { metadata, signal: options.signal })
    for await (const chunk of content as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += chunkBytes) if (!(await stream.send({ data: chunk.subarray(at, at + chunkBytes) }))) break
    }
    stream.end()
    for await (const answer of stream.responses) void answer
  }

  /** Sends files into the directory that the client has chosen for an exporter. */
  async sendDirectory(exporter: number, files: AsyncIterable<SentFile>, signal: AbortSignal): Promise<void> {
    const stream = this.#client.stream(directorySend.path, directorySend, { metadata: { [sessionKey.exporter]: [String(exporter)] }, signal })
    await sendFiles(files, { send: (packet) => stream.send(packet), packets: stream.responses })
    stream.end()
  }

  /** A terminal of the client for a shell in a step that has failed; undefined when it offers none. */
  debug(step: { name: string; failure: string }, signal: AbortSignal): DebugTerminal | undefined {
    if (!this.head.methods.has(debugShell.path)) return undefined
    const stream = this.#client.stream(debugShell.path, debugShell, { signal })
    void stream.send({ step: step.name, failure: step.failure })
    return { events: stream.responses, output: (output) => stream.send({ output }), close: () => stream.end() }
  }

  /** A directory of the client with blobs. */
  content(store: string, signal: AbortSignal): ClientContent {
    return sessionContent(this.#client, store, signal)
  }

  /** What the client offers under a URL of the host "buildkit-session": its standard input. */
  upload(url: URL, signal: AbortSignal): Readable {
    const stream = this.#client.stream(uploadMethod.path, uploadMethod, { metadata: { [sessionKey.uploadPath]: [url.pathname], [sessionKey.uploadHost]: [url.host] }, signal })
    stream.end()
    return Readable.from(dataOf(stream.responses), { objectMode: false })
  }
}

const chunkBytes = 32 * 1024

async function* dataOf(messages: AsyncIterable<{ data: Uint8Array }>): AsyncGenerator<Uint8Array> {
  for await (const { data } of messages) if (data.length > 0) yield data
}
