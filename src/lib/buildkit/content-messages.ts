import { bytes, int, message, nested, string } from '../protobuf/message.ts'

/** The methods of containerd's content service that a client of builds offers for its directories. Source: containerd's API, services/content/v1. */

const info = message({ digest: string(1), size: int(2) })
const service = '/containerd.services.content.v1.Content'

export const contentInfo = { path: `${service}/Info`, request: message({ digest: string(1) }), response: message({ info: nested(1, info) }) }
/** A stream of pieces; `size` 0 is everything. */
export const contentRead = { path: `${service}/Read`, request: message({ digest: string(1), offset: int(2), size: int(3) }), response: message({ offset: int(1), data: bytes(2) }) }
/** Each request has an answer; `ref` names the write and is in the first. */
export const contentWrite = {
  path: `${service}/Write`,
  request: message({ action: int(1), ref: string(2), total: int(3), expected: string(4), offset: int(5), data: bytes(6) }),
  response: message({ action: int(1), offset: int(4), total: int(5), digest: string(6) }),
}
export const writeAction = { stat: 0, write: 1, commit: 2 } as const

/** Metadata that says which directory is meant. */
export const contentStoreKey = 'buildkit-attachable-store-id'
