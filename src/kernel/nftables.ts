import type { Kernel } from './kernel.ts'
import { NetlinkError } from './netlink/acknowledgement.ts'
import { family, flag, nft, protocol } from './netlink/constants.ts'
import { attribute, decodeAttributes, nested, text } from './netlink/message.ts'
import { NetlinkSocket } from './netlink/socket.ts'
import type { Request } from './netlink/socket.ts'

/**
 * nftables. Rulesets, which change once in a life, go through the nft program as one transaction; elements of sets and
 * maps, which change with every published port, are spoken over nfnetlink (some 30 µs against 4 ms for the program).
 */

const ENOENT = 2
const EEXIST = 17
/** NFTA_SET_ELEM_KEY_END */
const setElementKeyEnd = 10

/** One element. Every field of a concatenation takes a multiple of 4 bytes, in network order. */
export interface MapElement {
  key: Uint8Array
  /** Of intervals: the last key. */
  keyEnd?: Uint8Array
  /** Of maps; sets have none. */
  data?: Uint8Array
}

export interface MapChange {
  /** 4 unless told: the family of the table. */
  family?: 4 | 6
  table: string
  map: string
  add?: readonly MapElement[]
  /** Fine when they are not there. */
  remove?: readonly MapElement[]
}

/** Loads a ruleset in nft's own language as one transaction. */
export async function loadRuleset(kernel: Kernel, ruleset: string): Promise<void> {
  const { code, stderr } = await kernel.tool(['nft', '-f', '-'], ruleset)
  if (code !== 0) throw new Error(`cannot load nftables rules: ${stderr.trim()}`)
}

/** So many elements are one transaction: a datagram has to fit the socket's buffer. */
const most = 1000

/** Changes elements of maps and sets. What a call adds comes all or not at all; up to a thousand elements at one moment. */
export class NftablesMaps {
  readonly #socket: NetlinkSocket

  constructor(kernel: Kernel) {
    this.#socket = new NetlinkSocket(kernel, protocol.netfilter)
  }

  change(...changes: MapChange[]): void {
    for (const pieces of transactions(changes, ({ remove = [] }) => remove)) this.#remove(pieces)
    const added: Piece[][] = []
    for (const pieces of transactions(changes, ({ add = [] }) => add)) {
      try {
        this.#transaction(pieces.map(adding))
      } catch (error) {
        for (const undone of added) this.#remove(undone)
        throw error
      }
      added.push(pieces)
    }
  }

  /** A number that is another one after every transaction in this network namespace, whoever made it. */
  generation(): number {
    const reply = this.#socket.get({ act: 'cannot ask nftables for its generation', message: { type: nft.getGeneration, flags: 0, parts: [header(0)] } })
    return reply === undefined ? 0 : (decodeAttributes(reply.payload.subarray(4)).get(1)?.readUInt32BE(0) ?? 0)
  }

  close(): void {
    this.#socket.close()
  }

  /**
   * An element that is missing undoes its whole transaction. Of several each is added first, then removed: that always
   * succeeds, but where somebody has given a key other data, and then each gets a transaction of its own.
   */
  #remove(pieces: readonly Piece[]): void {
    const count = pieces.reduce((sum, { list }) => sum + list.length, 0)
    if (count > 1) {
      try {
        this.#transaction([...pieces.map(adding), ...pieces.map(removing)])
        return
      } catch (error) {
        if (!(error instanceof NetlinkError) || error.errno !== EEXIST) throw error
      }
    }
    for (const piece of pieces) for (const element of piece.list) this.#transaction([{ ...removing({ ...piece, list: [element] }), ignore: [ENOENT] }])
  }

  #transaction(requests: Request[]): void {
    const act = requests[0]?.act ?? ''
    const bracket = (type: number): Request => ({ act, message: { type, flags: flag.request, parts: [header(0, nft.subsystem)] } })
    this.#socket.batch([bracket(nft.batchBegin), ...requests, bracket(nft.batchEnd)])
  }
}

/** Elements of one map. */
interface Piece {
  where: readonly Buffer[]
  map: string
  list: readonly MapElement[]
}

/** In the order given, so many elements at a time as fit one transaction. */
function transactions(changes: readonly MapChange[], pick: (change: MapChange) => readonly MapElement[]): Piece[][] {
  const all: Piece[][] = []
  let free = 0
  for (const change of changes) {
    const where = [header(change.family === 6 ? family.inet6 : family.inet), attribute(1, text(change.table)), attribute(2, text(change.map))]
    const elements = pick(change)
    for (let at = 0; at < elements.length; ) {
      if (free === 0) {
        all.push([])
        free = most
      }
      const list = elements.slice(at, at + free)
      all.at(-1)?.push({ where, map: change.map, list })
      at += list.length
      free -= list.length
    }
  }
  return all
}

function adding({ list, where, map }: Piece): Request {
  return { act: `cannot add elements to nftables map ${map}`, message: { type: nft.newSetElement, flags: flag.request | flag.ack | flag.create, parts: [...where, elements(list, true)] } }
}

function removing({ list, where, map }: Piece): Request {
  return { act: `cannot remove element of nftables map ${map}`, message: { type: nft.deleteSetElement, flags: flag.request | flag.ack, parts: [...where, elements(list, false)] } }
}

/** struct nfgenmsg; the resource id is in network order. */
function header(ofFamily: number, resource = 0): Buffer {
  return Buffer.from([ofFamily, 0, resource >> 8, resource & 0xff])
}

function elements(list: readonly MapElement[], withData: boolean): Buffer {
  return nested(3, ...list.map(({ key, keyEnd, data }) => {
    const parts = [nested(1, attribute(1, key))]
    if (keyEnd !== undefined) parts.push(nested(setElementKeyEnd, attribute(1, keyEnd)))
    if (withData && data !== undefined) parts.push(nested(2, attribute(1, data)))
    return nested(1, ...parts)
  }))
}
