import type { Kernel } from './kernel.ts'
import { family, flag, nft, protocol } from './netlink/constants.ts'
import { attribute, nested, text } from './netlink/message.ts'
import { NetlinkSocket } from './netlink/socket.ts'
import type { Request } from './netlink/socket.ts'

/**
 * nftables. Rulesets, which change once in a life, go through the nft program as one transaction; elements of sets and
 * maps, which change with every published port, are spoken over nfnetlink (some 30 µs against 4 ms for the program).
 */

const ENOENT = 2

/** One element. Every field of a concatenation takes a multiple of 4 bytes, in network order. */
export interface MapElement {
  key: Uint8Array
  data: Uint8Array
}

export interface MapChange {
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

/** Changes elements of IPv4 tables. Each change is one transaction: what it adds comes all or not at all. */
export class NftablesMaps {
  readonly #socket: NetlinkSocket

  constructor(kernel: Kernel) {
    this.#socket = new NetlinkSocket(kernel, protocol.netfilter)
  }

  change(change: MapChange): void {
    const where = [attribute(1, text(change.table)), attribute(2, text(change.map))]
    // An element that is missing would undo its whole transaction, hence one for each.
    for (const element of change.remove ?? []) {
      this.#transaction([{
        act: `cannot remove element of nftables map ${change.map}`,
        ignore: [ENOENT],
        message: { type: nft.deleteSetElement, flags: flag.request | flag.ack, parts: [header(family.inet), ...where, elements([element], false)] },
      }])
    }
    if (change.add === undefined || change.add.length === 0) return
    this.#transaction(chunks(change.add, 1000).map((part) => ({
      act: `cannot add elements to nftables map ${change.map}`,
      message: { type: nft.newSetElement, flags: flag.request | flag.ack | flag.create, parts: [header(family.inet), ...where, elements(part, true)] },
    })))
  }

  close(): void {
    this.#socket.close()
  }

  #transaction(requests: Request[]): void {
    const act = requests[0]?.act ?? ''
    const bracket = (type: number): Request => ({ act, message: { type, flags: flag.request, parts: [header(0, nft.subsystem)] } })
    this.#socket.batch([bracket(nft.batchBegin), ...requests, bracket(nft.batchEnd)])
  }
}

/** struct nfgenmsg; the resource id is in network order. */
function header(ofFamily: number, resource = 0): Buffer {
  return Buffer.from([ofFamily, 0, resource >> 8, resource & 0xff])
}

function elements(list: readonly MapElement[], withData: boolean): Buffer {
  return nested(3, ...list.map(({ key, data }) => {
    const parts = [nested(1, attribute(1, key))]
    if (withData) parts.push(nested(2, attribute(1, data)))
    return nested(1, ...parts)
  }))
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size))
}
