// oxlint-disable no-underscore-dangle -- Node calls them so
import { constants, createGunzip, createGzip, createZstdDecompress } from 'node:zlib'

/** What a zlib stream of Node has inside; minizlib, and so npm, is built upon the same. */
interface Handle {
  writeSync(flush: number, input: Uint8Array, inputAt: number, inputLength: number, output: Uint8Array, outputAt: number, outputLength: number): void
  onerror(message: string, errno: number, code: string): void
}

interface StreamInside {
  _handle: Handle
  /** After a write: room that is left in the output, bytes that are left of the input. */
  _writeState: Uint32Array
  close(): void
}

export type Coder = 'gunzip' | 'unzstd' | 'gzip'

const nothing = new Uint8Array(0)
const makers = { gunzip: () => createGunzip(), unzstd: () => createZstdDecompress(), gzip: (level: number) => createGzip({ level }) }

/**
 * Compression that is called and returns, into memory of the caller's: a thread of its own needs no event loop for it, and makes
 * no garbage, which Node's streams make as much of as they put out. Several gzip members count as one, as for gunzip(1).
 */
export class ZlibSteps {
  readonly #inside: StreamInside
  readonly #end: number
  #failure: Error | undefined

  constructor(coder: Coder, level = 0) {
    // Safe: the fields are there in Node 24 and 26, which test/unit/containerd/images/compression.test.ts holds.
    this.#inside = makers[coder](level) as unknown as StreamInside
    this.#end = coder === 'unzstd' ? constants.ZSTD_e_end : constants.Z_FINISH
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no event target
    this.#inside._handle.onerror = (message, errno, code) => {
      this.#failure = Object.assign(new Error(message), { errno, code })
    }
  }

  /** Takes from `input` and puts into `output`. @returns how much of each; an output that is not full has no more to come */
  step(input: Uint8Array, output: Uint8Array): { used: number; made: number } {
    return this.#write(constants.Z_NO_FLUSH, input, output)
  }

  /** The input has ended. To be called until the output does not get full. @throws what zlib says of data that is not whole */
  finish(output: Uint8Array): { made: number } {
    return this.#write(this.#end, nothing, output)
  }

  close(): void {
    this.#inside.close()
  }

  #write(flush: number, input: Uint8Array, output: Uint8Array): { used: number; made: number } {
    const { _handle, _writeState } = this.#inside
    _handle.writeSync(flush, input, 0, input.length, output, 0, output.length)
    if (this.#failure) throw this.#failure
    const [room = 0, left = 0] = _writeState
    return { used: input.length - left, made: output.length - room }
  }
}
