import type { CliContext } from '../command.ts'
import { errorText, ExitError } from '../exit-error.ts'

/**
 * Does one thing to each name at once; prints the names that went well, in order, and ends with all errors, one a line.
 * `act` may answer another text to print, or "" for nothing.
 */
export async function eachObject(context: CliContext, names: string[], act: (name: string) => Promise<string | void>): Promise<void> {
  const running = names.map((name) => act(name))
  const errors: string[] = []
  for (const settled of await Promise.allSettled(running).then((all) => all.entries())) {
    const [index, result] = settled
    if (result.status === 'rejected') errors.push(errorText(result.reason))
    else if (result.value !== '') context.stdout.write(`${result.value ?? names[index]}\n`)
  }
  if (errors.length > 0) throw new ExitError(errors.join('\n'))
}
