import { Pace } from '../pace.ts'

const pieceSize = 256 << 10

/** The bytes of an archive in pieces of a good size: each header and each small file by itself would cost a call each. Pieces are lent until the next. */
export async function* inPieces(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const piece = Buffer.allocUnsafeSlow(pieceSize)
  let filled = 0
  for await (const chunk of stream) {
    if (filled + chunk.length > pieceSize) {
      yield piece.subarray(0, filled)
      filled = 0
    }
    if (chunk.length >= pieceSize) {
      yield chunk
      continue
    }
    piece.set(chunk, filled)
    filled += chunk.length
  }
  if (filled > 0) yield piece.subarray(0, filled)
}

/** What is made on this thread, with others having it in between. */
export async function* inTurns(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const pace = new Pace()
  for (const piece of pieces) {
    yield piece
    await pace.rest()
  }
}
