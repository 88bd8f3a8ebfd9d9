import { Duplex } from 'node:stream'
import { stdcopyFrame } from '../attach/stdcopy.ts'
import type { AttachSession } from '../engine.ts'

/**
 * What Docker answers to a start with streams once the connection is a stream: the refusal is its output. Compose starts what it
 * has attached to a second time and takes any status of failure for one.
 */
export function spokenSession(text: string, tty: boolean): AttachSession {
  const line = Buffer.from(`${text}\r\n`)
  const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() })
  stream.push(tty ? line : stdcopyFrame('stdout', line))
  stream.push(null)
  return { tty, stream }
}
