import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { copyRaw } from '../terminal/stdcopy.ts'
import { platformQuery } from '../client/platform-query.ts'
import type { Command } from '../command.ts'
import { showProgress } from '../display/progress.ts'
import { ExitError } from '../exit-error.ts'
import { platformFlag, quietFlag } from '../grammar/common-flags.ts'

export const loadCommand: Command = {
  path: 'load',
  usage: [''],
  summary: 'Load images from a tar archive or standard input',
  aliases: ['image load', 'load'],
  flags: [{ name: 'input', short: 'i', kind: 'string', help: 'Read this tar archive' }, platformFlag, quietFlag('Show no progress')],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const input = flags.string('input')
    if (input === '' && context.stdin.isTTY) throw new ExitError('requested load from stdin, but stdin is empty')
    if (input !== '') await stat(input).catch((cause: Error) => Promise.reject(new ExitError(`open ${input}: ${openFailure(cause)}`, 1, { cause })))
    const quiet = flags.boolean('quiet') || !context.stdout.isTTY
    const response = await context.client.open('POST', '/images/load', {
      query: { quiet, platform: platformQuery(flags.string('platform')) },
      stream: input === '' ? context.stdin : createReadStream(input),
    })
    const isJson = response.headers['content-type']?.startsWith('application/json')
    await (isJson ? showProgress(response.body, context.stdout) : copyRaw(response.body, context.stdout))
  },
}

/** The words the C library has for why a file cannot be opened. */
export function openFailure(cause: Error): string {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return 'no such file or directory'
  if (code === 'EACCES') return 'permission denied'
  return code === 'EISDIR' ? 'is a directory' : cause.message
}
