import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { CliContext } from '../command.ts'
import { checkOutputPath } from './output-path.ts'
import { copyRaw } from '../terminal/stdcopy.ts'

/** Writes a reply to standard output (`output` empty), or to a file that is there as a whole or not at all. */
export async function writeOutput(context: CliContext, body: AsyncIterable<Buffer>, output: string): Promise<void> {
  if (output === '') return copyRaw(body, context.stdout)
  checkOutputPath(output)
  const partial = `${output}.tmp-${process.pid}`
  try {
    await pipeline(body, createWriteStream(partial, { mode: 0o600, flags: 'wx' }))
    await rename(partial, output)
  } catch (cause) {
    await rm(partial, { force: true })
    throw cause
  }
}
