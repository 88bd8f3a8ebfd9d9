import { connect } from 'node:net'
import { mkdirSync } from 'node:fs'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type { Writable } from 'node:stream'
import { decodeValues } from '../../lib/buildkit/header-values.ts'
import { checkAgentMethod, credentialsMethod, fileSend, fileSync, forwardAgentMethod, healthMethod, secretMethod, serving, sessionKey, uploadMethod } from '../../lib/buildkit/session-messages.ts'
import { goMode } from '../../lib/fsutil/file-mode.ts'
import { packetMessage } from '../../lib/fsutil/packet.ts'
import type { Packet } from '../../lib/fsutil/packet.ts'
import { receiveFiles } from '../../lib/fsutil/receive.ts'
import { sendFiles } from '../../lib/fsutil/send.ts'
import type { SentFile } from '../../lib/fsutil/send.ts'
import { walkDirectory } from '../../lib/fsutil/walk.ts'
import { grpcMethod } from '../../lib/grpc/server.ts'
import type { GrpcServices } from '../../lib/grpc/server.ts'
import { GrpcError } from '../../lib/grpc/status.ts'
import { IgnorePatterns } from '../../lib/patterns/ignore-patterns.ts'
import type { Message } from '../../lib/protobuf/message.ts'
import type { CredentialStore } from '../credentials/credential-store.ts'
import { addressOfServer } from '../credentials/registry-address.ts'
import type { Agent } from './agents.ts'
import { answerAgent } from './ssh-agent.ts'
import type { BuildSources } from './context.ts'
import type { Output } from './output.ts'
import { channel } from './channel.ts'
import { contentServices, type ContentStore } from './content-stores.ts'
import type { Secrets } from './secrets.ts'

export interface SessionParts {
  sources: BuildSources
  outputs: readonly Output[]
  secrets: Secrets
  /** By id. */
  agents: ReadonlyMap<string, Agent>
  credentials: CredentialStore
  /** OCI layouts by name. */
  stores: ReadonlyMap<string, ContentStore>
}

/** What the engine may call while it builds: nothing beyond what the user named. */
export function sessionServices({ sources, outputs, secrets, agents, credentials, stores }: SessionParts): GrpcServices {
  const services: GrpcServices = {
    ...contentServices(stores),
    [healthMethod.path]: grpcMethod({ ...healthMethod, handle: async () => ({ status: serving }) }),
    [fileSync.path]: grpcMethod({
      ...fileSync,
      handle(call) {
        const files = filesOf(sources, { name: decodeValues(call.metadata, sessionKey.directory)[0] ?? '', includes: decodeValues(call.metadata, sessionKey.includes), excludes: decodeValues(call.metadata, sessionKey.excludes) })
        const { push, end, values } = channel<Partial<Packet>>()
        sendFiles(files, { send: push, packets: call.requests }).then(() => end(), end)
        return values
      },
    }),
    [credentialsMethod.path]: grpcMethod({
      ...credentialsMethod,
      async handle(call) {
        const { username = '', password = '', identitytoken } = await credentials.get(addressOfServer((await call.request()).host))
        return identitytoken === undefined || identitytoken === '' ? { username, secret: password } : { username: '', secret: identitytoken }
      },
    }),
    [secretMethod.path]: grpcMethod({
      ...secretMethod,
      async handle(call) {
        const { id } = await call.request()
        const read = secrets.get(id)
        if (read === undefined) throw new GrpcError(5, `secret ${id} not found`)
        return { data: read() }
      },
    }),
  }
  if (agents.size > 0) {
    services[checkAgentMethod.path] = grpcMethod({
      ...checkAgentMethod,
      async handle(call) {
        agentOf(agents, (await call.request()).id)
        return {}
      },
    })
    services[forwardAgentMethod.path] = grpcMethod({
      ...forwardAgentMethod,
      async *handle(call) {
        const agent = agentOf(agents, call.metadata[sessionKey.sshId]?.[0] ?? '')
        if ('keys' in agent) {
          yield* answerAgent(agent.keys, call.requests)
          return
        }
        const socket = connect(agent.socket)
        await once(socket, 'connect')
        call.signal.addEventListener('abort', () => socket.destroy())
        void (async () => {
          for await (const { data } of call.requests) socket.write(data)
          socket.end()
        })().catch(() => socket.destroy())
        for await (const data of socket as AsyncIterable<Buffer>) yield { data }
      },
    })
  }
  const { upload } = sources
  if (upload !== undefined) {
    services[uploadMethod.path] = grpcMethod({
      ...uploadMethod,
      async *handle() {
        for await (const part of upload) for (let at = 0; at < part.length; at += partBytes) yield { data: part.subarray(at, at + partBytes) }
      },
    })
  }
  if (outputs.some(({ directory, file }) => directory !== undefined || file !== undefined)) services[fileSend.path] = outputMethod(outputs)
  return services
}

const partBytes = 64 * 1024

function agentOf(agents: ReadonlyMap<string, Agent>, id: string): Agent {
  const agent = agents.get(id === '' ? 'default' : id)
  if (agent === undefined) throw new GrpcError(5, `unset ssh forward key ${id}`)
  return agent
}

function filesOf({ directories, dockerfile }: BuildSources, { name, includes, excludes }: { name: string; includes: string[]; excludes: string[] }): AsyncIterable<SentFile> {
  const directory = directories.get(name)
  if (directory === undefined && name === 'dockerfile' && dockerfile !== undefined) return single('Dockerfile', dockerfile)
  if (directory === undefined && name === 'context') return single(undefined, Buffer.alloc(0))
  if (directory === undefined) throw new GrpcError(5, `no access allowed to dir ${JSON.stringify(name)}`)
  // What is not included is ignored: one rule for both.
  const rules = [includes.length === 0 ? undefined : new IgnorePatterns(['**', ...includes.map((pattern) => `!${pattern}`)]), new IgnorePatterns(excludes)].filter((rule) => rule !== undefined)
  return walkDirectory(directory, {
    ownedByRoot: true,
    takes(path, isDirectory) {
      const against = rules.filter((rule) => rule.ignores(path))
      if (against.length === 0) return 'yes'
      return isDirectory && against.every((rule) => rule.mayKeepBelow(path)) ? 'above' : 'no'
    },
  })
}

async function* single(path: string | undefined, content: Buffer): AsyncGenerator<SentFile> {
  if (path !== undefined) yield { stat: { path, mode: 0o644, size: content.length, modTime: BigInt(Date.now()) * 1_000_000n }, content: () => [content] }
}

interface Raw {
  bytes: Uint8Array
}

/** Chunks or packets: which, depends on the output. */
const raw: Message<Raw> = { encode: ({ bytes = new Uint8Array(0) }) => Buffer.from(bytes), decode: (bytes) => ({ bytes }) }

function outputMethod(outputs: readonly Output[]): GrpcServices[string] {
  return grpcMethod({
    request: raw,
    response: raw,
    handle(call) {
      const output = outputs[Number(call.metadata[sessionKey.exporter]?.[0] ?? 0)]
      const { push, end, values } = channel<Raw>()
      const work = output?.directory !== undefined ? intoDirectory(output.directory, call.requests, push) : intoFile(output?.file?.(), call.requests)
      work.then(() => end(), end)
      return values
    },
  })
}

async function intoDirectory(root: string, requests: AsyncIterable<Raw>, push: (value: Raw) => Promise<boolean>): Promise<void> {
  mkdirSync(root, { recursive: true })
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  async function* packets(): AsyncGenerator<Packet> {
    for await (const { bytes } of requests) yield packetMessage.decode(bytes)
  }
  await receiveFiles(
    { send: (packet) => push({ bytes: packetMessage.encode(packet) }), packets: packets() },
    // Set-user bits would give away the rights of whoever unpacks.
    { root, map: (stat) => ({ ...stat, ...own, mode: (stat.mode & ~(goMode.setuid | goMode.setgid)) >>> 0 }) },
  )
}

async function intoFile(file: Writable | undefined, requests: AsyncIterable<Raw>): Promise<void> {
  if (file === undefined) throw new GrpcError(5, 'there is no such output')
  for await (const { bytes } of requests) {
    const { data } = fileSend.request.decode(bytes)
    if (data.length > 0 && !file.write(data)) await once(file, 'drain')
  }
  // Standard output.
  if ((file as { fd?: number }).fd === 1) return
  file.end()
  await finished(file)
}
