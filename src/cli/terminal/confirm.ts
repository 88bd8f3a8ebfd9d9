import type { CliContext } from '../command.ts'

/** Asks a question that only "y" agrees to; standard input may be a file or a pipe. */
export async function confirm(context: Pick<CliContext, 'stdin' | 'stdout'>, question: string): Promise<boolean> {
  context.stdout.write(`${question} [y/N] `)
  let answer = ''
  for await (const chunk of context.stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer | string>) {
    answer += chunk.toString()
    if (answer.includes('\n')) break
  }
  context.stdin.pause()
  return answer.split('\n', 1)[0]!.trim().toLowerCase() === 'y'
}
