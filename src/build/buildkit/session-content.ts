import { contentInfo, contentRead, contentStoreKey, contentWrite, writeAction } from '../../lib/buildkit/content-messages.ts'
import { GantryError } from '../../lib/errors.ts'
import type { GrpcClient } from '../../lib/grpc/client.ts'
import type { ClientContent } from '../contract.ts'

const pieceBytes = 256 * 1024

/** A directory of the client with blobs by digest, over its session. */
export function sessionContent(client: GrpcClient, store: string, signal: AbortSignal): ClientContent {
  const options = { metadata: { [contentStoreKey]: [store] }, signal }
  const content: ClientContent = {
    async size(digest) {
      try {
        return (await client.call(contentInfo.path, contentInfo, { digest }, options)).info?.size ?? 0
      } catch (error) {
        if (error instanceof GantryError && error.kind === 'NotFound') return undefined
        throw error
      }
    },
    async *read(digest) {
      const stream = client.stream(contentRead.path, contentRead, options)
      await stream.send({ digest })
      stream.end()
      for await (const { data } of stream.responses) if (data.length > 0) yield data
    },
    async write({ digest, size, open }) {
      if ((await content.size(digest)) !== undefined) return
      const stream = client.stream(contentWrite.path, contentWrite, options)
      const answer = async (): Promise<void> => {
        const { done } = await stream.responses.next()
        if (done === true) throw new GantryError('System', `cannot write ${digest} to the client: it has ended the call`)
      }
      try {
        await stream.send({ action: writeAction.stat, ref: `gantry-${digest}`, total: size, expected: digest })
        await answer()
        let offset = 0
        for await (const chunk of open()) {
          for (let at = 0; at < chunk.length; at += pieceBytes) {
            const data = chunk.subarray(at, at + pieceBytes)
            // The piece may be lent: it has been sent when its answer comes.
            await stream.send({ action: writeAction.write, offset, data })
            await answer()
            offset += data.length
          }
        }
        await stream.send({ action: writeAction.commit, offset, total: size, expected: digest })
        await answer()
        stream.end()
      } catch (error) {
        stream.cancel()
        if (error instanceof GantryError && error.kind === 'Conflict') return
        throw error
      }
    },
  }
  return content
}
