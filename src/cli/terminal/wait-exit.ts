import type { EngineClient } from '../client/engine-client.ts'
import { ExitError } from '../exit-error.ts'

/**
 * Starts waiting for a container and returns once the engine has accepted the wait, so that an exit in the next moment is
 * not missed. The promise inside gives the exit code.
 */
export async function beginWait(
  client: EngineClient,
  container: string,
  condition: 'not-running' | 'next-exit' | 'removed',
): Promise<{ exitCode: Promise<number> }> {
  const response = await client.open('POST', `/containers/${container}/wait`, { query: { condition } })
  const exitCode = (async () => {
    const chunks: Buffer[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    const answer = JSON.parse(Buffer.concat(chunks).toString()) as { StatusCode: number; Error?: { Message: string } | null }
    if (answer.Error?.Message) throw new ExitError(answer.Error.Message, 125)
    return answer.StatusCode
  })()
  // It may fail before anyone looks; whoever awaits it still sees the failure.
  exitCode.catch(() => {})
  return { exitCode }
}
