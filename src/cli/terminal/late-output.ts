import { fstatSync, writeSync } from 'node:fs'

/**
 * One of the process's outputs, which becomes a stream of Node's only when something asks for more than a write: making one takes longer
 * than most commands. Writes wait for whoever reads, as those of Node's own streams for files, pipes and terminals do.
 * @param load process.stdout or process.stderr
 */
export function lateOutput(fd: number, load: () => NodeJS.WriteStream): NodeJS.WriteStream {
  let stream: NodeJS.WriteStream | undefined
  let onError: ((error: NodeJS.ErrnoException) => void) | undefined
  const loaded = (): NodeJS.WriteStream => {
    if (stream !== undefined) return stream
    stream = load()
    if (onError !== undefined) stream.on('error', onError)
    return stream
  }
  const early: Record<string, unknown> = {
    writableLength: 0,
    destroyed: false,
    write: (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      const callback = rest.find((each) => typeof each === 'function') as (() => void) | undefined
      try {
        const left = writeAll(fd, typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
        if (left.length > 0) return loaded().write(left, callback)
      } catch (error) {
        if (onError === undefined) throw error
        onError(error as NodeJS.ErrnoException)
      }
      if (callback !== undefined) process.nextTick(callback)
      return true
    },
    on: (event: string, listener: () => void): unknown => {
      if (event !== 'error' || onError !== undefined) return loaded().on(event, listener)
      onError = listener
      return output
    },
    off: (event: string, listener: () => void): unknown => {
      if (event !== 'error' || onError !== listener) return loaded().off(event, listener)
      onError = undefined
      return output
    },
  }
  const output = new Proxy(early, {
    get: (_, key) => {
      if (stream === undefined && typeof key === 'string' && Object.hasOwn(early, key)) return early[key]
      if (stream === undefined && key === 'isTTY' && !fstatSync(fd).isCharacterDevice()) return undefined
      const value = Reflect.get(loaded(), key) as unknown
      return typeof value === 'function' ? (value.bind(loaded()) as unknown) : value
    },
    has: (_, key) => key in loaded(),
    set: (_, key, value) => Reflect.set(loaded(), key, value),
  })
  // It has everything that the stream has.
  return output as unknown as NodeJS.WriteStream
}

/** @returns what a pipe that somebody made non-blocking does not take now */
function writeAll(fd: number, bytes: Uint8Array): Uint8Array {
  let done = 0
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      break
    }
  }
  return bytes.subarray(done)
}
