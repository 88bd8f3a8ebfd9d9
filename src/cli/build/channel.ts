/** Values that one side pushes and the other reads, at the pace of the reader. */
export function channel<T>(): { push: (value: T) => Promise<boolean>; end: (error?: unknown) => void; values: AsyncGenerator<T, void, undefined> } {
  const { readable, writable } = new TransformStream<T>(undefined, { highWaterMark: 64 })
  const writer = writable.getWriter()
  writer.closed.catch(() => {})
  return {
    async push(value) {
      try {
        await writer.ready
        void writer.write(value).catch(() => {})
        return true
      } catch {
        return false
      }
    },
    end(error) {
      void (error === undefined ? writer.close() : writer.abort(error)).catch(() => {})
    },
    values: read(readable),
  }
}

async function* read<T>(readable: ReadableStream<T>): AsyncGenerator<T, void, undefined> {
  yield* readable
}
