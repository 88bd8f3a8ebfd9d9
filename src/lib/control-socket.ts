import { existsSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import type { Server } from 'node:net'

/**
 * Listens at a unix socket that only its owner may use. The socket file of a process that is gone is replaced; one that answers is
 * not ours to take. @throws Error
 */
export async function listenForControl(server: Server, socketPath: string, name: string): Promise<void> {
  if (existsSync(socketPath)) {
    if (await answers(socketPath)) throw new Error(`another ${name} serves ${socketPath}`)
    unlinkSync(socketPath)
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    process.umask(0o177)
    server.listen(socketPath, resolve)
  })
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socketPath)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
