import { KernelError } from '../failure.ts'
import { ackFlag } from './constants.ts'
import { decodeAttributes, textOf } from './message.ts'
import type { DecodedMessage } from './message.ts'

const nlmsgHeaderLength = 16
const attributeMessage = 1

/** The kernel refused a netlink request. `detail` is its extended acknowledgement, when it gave one. */
export class NetlinkError extends KernelError {
  readonly detail: string

  constructor(act: string, errno: number, detail = '') {
    super(act, errno)
    this.name = 'NetlinkError'
    this.detail = detail
    if (detail !== '') this.message += ` (${detail})`
  }
}

/** What an NLMSG_ERROR says: errno 0 is success. */
export function decodeAcknowledgement(message: DecodedMessage): { errno: number; detail: string } {
  const errno = -message.payload.readInt32LE(0)
  if ((message.flags & ackFlag.attributes) === 0) return { errno, detail: '' }
  // After the errno comes the request: only its header when capped, all of it otherwise.
  const requestLength = message.payload.readUInt32LE(4)
  const skip = (message.flags & ackFlag.capped) !== 0 ? nlmsgHeaderLength : (requestLength + 3) & ~3
  const detail = decodeAttributes(message.payload.subarray(4 + skip)).get(attributeMessage)
  return { errno, detail: detail === undefined ? '' : textOf(detail) }
}
