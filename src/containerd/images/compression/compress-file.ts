import { borrowThread } from './threads.ts'

/** Compresses a file into another one by gzip, in a thread of its own. @returns what came out */
export async function compressFile(path: string, target: string): Promise<{ digest: string; size: number }> {
  const thread = await borrowThread()
  try {
    thread.start({ kind: 'compress', path, target })
    const message = await thread.next()
    if (message.kind === 'failed') throw Object.assign(new Error(message.message), { code: message.code })
    if (message.kind === 'slot') throw new Error('a compression has no slots')
    return message
  } finally {
    thread.giveBack()
  }
}
