import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Does something while nobody else does who names the same file. The kernel lets go of it whatever becomes of this process. */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = once(holder, 'exit')
  holder.stdin.on('error', () => {})
  await Promise.race([once(holder.stdout, 'data'), gone.then(() => Promise.reject(new Error(`cannot lock ${file}`)))])
  try {
    return await work()
  } finally {
    holder.stdin.end()
    await gone
  }
}
