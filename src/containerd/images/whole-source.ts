/**
 * Lends a request body to a reader that may stop early. Leaving a `for await` loop destroys a stream, and with it the
 * connection that the answer must go over; so the reader gets an iterator without that, and the rest is read over.
 */
export async function withWholeSource<Result>(
  source: AsyncIterable<Uint8Array>,
  read: (lent: AsyncIterable<Uint8Array>) => Promise<Result>,
): Promise<Result> {
  const iterator = source[Symbol.asyncIterator]()
  const next = async (): Promise<IteratorResult<Uint8Array>> => await iterator.next()
  try {
    return await read({ [Symbol.asyncIterator]: () => ({ next }) })
  } finally {
    await readOver(iterator)
  }
}

async function readOver(iterator: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    while (!(await iterator.next()).done);
  } catch {
    // The sender is gone: the reader has seen it, or has finished.
  }
}
