import { join } from 'node:path'
import { GantryError, messageOf } from '../errors.ts'
import { kindOfMode } from './file-mode.ts'
import { packetType } from './packet.ts'
import type { FileStat, PacketStream } from './packet.ts'
import { comparePaths, isPlainPath } from './path-order.ts'
import { DirectoryWriter } from './directory-writer.ts'
import type { SpecialNodes } from './directory-writer.ts'

export interface ReceiveOptions {
  /** Exists; nobody else changes it meanwhile. */
  root: string
  /** What an earlier transfer has left there, by path; what is not sent again is removed. Undefined: files are put beside what is there. */
  before?: ReadonlyMap<string, string>
  /** Changes what is told of a file before it is taken. */
  map?(stat: FileStat): FileStat
  special?: SpecialNodes
  /** Bytes of the packets so far. */
  progress?(bytes: number): void
}

/** Requests under way at once: each holds a file open. */
const maxOpen = 64

/**
 * Makes the directory `root` equal to what the sender tells, and asks only for what differs in kind, mode, owner, size, time or attributes.
 * @returns what is there now, for `before` of the next transfer
 * @throws InvalidParameter for a path that leads outside, comes out of order or has no directory above it; System with the sender's text
 */
export async function receiveFiles(stream: PacketStream, options: ReceiveOptions): Promise<Map<string, string>> {
  const receiver = new Receiver(stream, options)
  try {
    for await (const packet of stream.packets) if (await receiver.take(packet.type, packet)) return receiver.after
    throw new GantryError('System', 'the sender left before it had sent all files')
  } catch (error) {
    await stream.send({ type: packetType.error, data: Buffer.from(messageOf(error)) }).catch(() => false)
    throw error
  } finally {
    receiver.close()
  }
}

class Receiver {
  readonly after = new Map<string, string>()
  readonly #stream: PacketStream
  readonly #options: ReceiveOptions
  readonly #writer: DirectoryWriter
  readonly #kinds = new Map<string, string>()
  readonly #waiting: { id: number; stat: FileStat }[] = []
  readonly #open = new Map<number, { stat: FileStat; descriptor: number }>()
  readonly #links: FileStat[] = []
  #last = ''
  #id = 0
  #told = false
  #bytes = 0

  constructor(stream: PacketStream, options: ReceiveOptions) {
    this.#stream = stream
    this.#options = options
    this.#writer = new DirectoryWriter(options.root, options.special)
  }

  /** True: this was the last one. */
  async take(type: number, packet: { stat: FileStat | undefined; id: number; data: Uint8Array }): Promise<boolean> {
    this.#options.progress?.((this.#bytes += packet.data.length + (packet.stat?.path.length ?? 0) + 2))
    if (type === packetType.error) throw new GantryError('System', Buffer.from(packet.data).toString())
    if (type === packetType.finish) return true
    if (type === packetType.stat) {
      if (packet.stat === undefined) this.#told = true
      else this.#stat(packet.stat)
    } else if (type === packetType.data) this.#data(packet.id, packet.data)
    await this.#ask()
    if (this.#told && this.#open.size === 0 && this.#waiting.length === 0) {
      this.#finish()
      this.#told = false
      await this.#stream.send({ type: packetType.finish })
    }
    return false
  }

  close(): void {
    for (const { descriptor } of this.#open.values()) this.#writer.abandon(descriptor)
  }

  #stat(told: FileStat): void {
    const id = this.#id++
    const stat = this.#options.map?.(told) ?? told
    this.#check(stat.path)
    const kind = kindOfMode(stat.mode)
    this.#kinds.set(stat.path, kind)
    const key = keyOf(stat)
    this.after.set(stat.path, key)
    const link = kind === 'file' && stat.linkName !== ''
    if (link) this.#links.push(stat)
    if (this.#options.before?.get(stat.path) === key && !link) {
      if (kind === 'directory') this.#writer.keepDirectory(stat)
      return
    }
    if (kind === 'file') {
      if (!link) this.#waiting.push({ id, stat })
    } else if (kind !== 'socket') {
      this.#writer.place(stat, kind)
    }
  }

  #check(path: string): void {
    if (!isPlainPath(path)) throw new GantryError('InvalidParameter', `invalid path: ${JSON.stringify(path)}`)
    if (this.#last !== '' && comparePaths(this.#last, path) >= 0) throw new GantryError('InvalidParameter', `changes out of order: ${JSON.stringify(path)} ${JSON.stringify(this.#last)}`)
    this.#last = path
    const slash = path.lastIndexOf('/')
    if (slash > 0 && this.#kinds.get(path.slice(0, slash)) !== 'directory') throw new GantryError('InvalidParameter', `invalid path: ${JSON.stringify(path)} is in no directory`)
  }

  async #ask(): Promise<void> {
    while (this.#waiting.length > 0 && this.#open.size < maxOpen) {
      const { id, stat } = this.#waiting.shift()!
      this.#open.set(id, { stat, descriptor: this.#writer.create(stat) })
      await this.#stream.send({ type: packetType.request, id })
    }
  }

  #data(id: number, data: Uint8Array): void {
    const open = this.#open.get(id)
    if (open === undefined) throw new GantryError('InvalidParameter', `invalid file request ${id}`)
    if (data.length > 0) {
      this.#writer.write(open.descriptor, data)
      return
    }
    this.#open.delete(id)
    this.#writer.finishFile(open.descriptor, open.stat)
  }

  #finish(): void {
    for (const stat of this.#links) {
      if (this.#kinds.get(stat.linkName) !== 'file' || stat.linkName === stat.path) throw new GantryError('InvalidParameter', `invalid link: ${JSON.stringify(stat.path)} to ${JSON.stringify(stat.linkName)}`)
      this.#writer.link(stat)
    }
    const gone = [...(this.#options.before?.keys() ?? [])].filter((path) => !this.after.has(path))
    for (const path of gone) this.#writer.remove(join(path))
    this.#writer.finishDirectories()
  }
}

/** All that is compared, in one word. */
function keyOf({ mode, uid, gid, size, modTime, linkName, deviceMajor, deviceMinor, xattrs }: FileStat): string {
  const attributes = Object.keys(xattrs).toSorted().map((name) => `${name}=${Buffer.from(xattrs[name]!).toString('base64')}`)
  const directory = kindOfMode(mode) === 'directory'
  return [mode, uid, gid, directory ? 0 : size, modTime, linkName, deviceMajor, deviceMinor, ...attributes].join(' ')
}
