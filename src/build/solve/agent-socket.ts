import { chmodSync, chownSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { messageOf } from '../../lib/errors.ts'
import type { FileOwner } from './secret-files.ts'

export interface OpenAgent extends FileOwner {
  /** Host path of the agent's own socket. */
  agent: string
  /** Where the socket for the step is put. */
  path: string
  log: (line: string) => void
}

/** A socket for a user of the step, behind which is the agent of another. */
export async function openAgent({ agent, path, mode, uid, gid, log }: OpenAgent): Promise<{ path: string; close(): void }> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (inside) => {
    const outside = connect({ path: agent, allowHalfOpen: true })
    for (const [socket, other] of [[inside, outside], [outside, inside]] as const) {
      open.add(socket)
      socket.on('error', (error) => {
        log(`cannot reach the ssh agent for a build: ${messageOf(error)}`)
        other.destroy()
      })
      socket.on('close', () => open.delete(socket))
      socket.pipe(other)
    }
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, resolve)
  await promise
  chownSync(path, uid, gid)
  chmodSync(path, mode)
  return {
    path,
    close: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
