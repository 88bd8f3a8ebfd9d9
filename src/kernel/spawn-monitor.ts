import { readFileSync } from 'node:fs'
import { ProgramFailure } from './failure.ts'
import type { SpawnMonitor, SpawnedMonitor } from './kernel.ts'
import { decodeProgram } from './program-codec.ts'
import type { Spawner } from './spawner.ts'

const recordSize = 16
const CREATED = 1

/** Runs the program and reads its status channel. */
export function spawnMonitor(spawner: Spawner, { programPath }: SpawnMonitor): Promise<SpawnedMonitor> {
  const status = spawner.start(programPath)
  const created = Promise.withResolvers<SpawnedMonitor>()
  const executed = Promise.withResolvers<void>()
  executed.promise.catch(() => {}) // the caller may never ask
  let received = Buffer.alloc(0)
  let failed = false
  const fail = (error: Error): void => {
    failed = true
    created.reject(error)
    executed.reject(error)
  }
  status.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    while (received.length >= recordSize) {
      const [kind, a, b] = [received.readUInt32LE(0), received.readInt32LE(4), Number(received.readBigInt64LE(8))]
      received = received.subarray(recordSize)
      if (kind === CREATED) created.resolve({ pid: a, executed: executed.promise })
      // The first word is the cause; a second one may come after the caller has removed the program.
      else if (!failed) fail(new ProgramFailure(labelOf(programPath, a), b))
    }
  })
  status.on('error', fail)
  status.on('close', () => {
    executed.resolve()
    created.reject(new Error('cannot run a syscall program: the monitor ended without a word'))
  })
  return created.promise
}

/** The program of an exec goes with its container, perhaps before this is read: then its number has to do. */
function labelOf(programPath: string, operation: number): string {
  try {
    return decodeProgram(readFileSync(programPath)).operations[operation]?.label ?? `operation ${operation}`
  } catch {
    return `operation ${operation}`
  }
}
