import type { ProgressMessage } from '../containerd/distribution/contract.ts'
import type { Call } from './call.ts'
import { progressBar } from './progress-bar.ts'
import { progressError } from './reply.ts'

/**
 * Answers with a stream of Docker's jsonmessages, one a line. A failure before the first has a status of its own; a later one
 * ends the stream with an error message.
 */
export async function streamProgress(call: Call, act: (progress: (message: ProgressMessage) => void) => Promise<void>): Promise<void> {
  const { response } = call
  let written: Promise<void> = Promise.resolve()
  const begin = (): void => {
    if (!response.headersSent) call.begin('application/json')
  }
  try {
    await act((message) => {
      begin()
      written = call.write(withBar(message))
    })
  } catch (error) {
    if (!response.headersSent) throw error
    await call.writeText(progressError(error))
  }
  begin()
  await written
  response.end()
}

/** The order of keys is Docker's. */
function withBar({ status, progressDetail, id, aux }: ProgressMessage): Record<string, unknown> {
  const text = progressDetail && progressBar(progressDetail)
  return {
    ...(status !== undefined && { status }),
    ...(progressDetail && { progressDetail }),
    ...(text && { progress: text }),
    ...(id !== undefined && { id }),
    ...(aux !== undefined && { aux }),
  }
}
