import type { CliContext } from '../command.ts'
import { parseCsv } from '../container-options/csv.ts'
import { ExitError } from '../exit-error.ts'
import type { FlagValues } from '../grammar/flag.ts'

/** A question about the Dockerfile in place of a build. */
export interface Subrequest {
  name: 'lint' | 'outline' | 'targets' | 'subrequests.describe'
  json: boolean
  ignoreStatus: boolean
  attributes: Record<string, string>
}

const names = { check: 'lint', lint: 'lint', outline: 'outline', targets: 'targets', 'subrequests.describe': 'subrequests.describe' } as const

/** --call and --check; undefined for a build. */
export function readCall(flags: FlagValues): Subrequest | undefined {
  const [word = 'build', ...options] = parseCsv(flags.string('call'))
  const asked = flags.boolean('check') ? 'check' : word || 'build'
  if (asked === 'build') return undefined
  const name = Object.hasOwn(names, asked) ? names[asked as keyof typeof names] : undefined
  if (name === undefined) throw new ExitError(`invalid call ${JSON.stringify(asked)}: one of build, check, outline, targets`)
  return { name, json: options.includes('format=json'), ignoreStatus: options.includes('ignorestatus=true'), attributes: { requestid: `frontend.${name}`, 'frontend.caps': 'moby.buildkit.frontend.subrequests+forward' } }
}

/** @returns the exit code: 1 when a check has found something */
export function showAnswer({ name, json, ignoreStatus }: Subrequest, answer: Record<string, string>, { stdout }: CliContext): number {
  if (json) {
    stdout.write(`${answer['result.json'] ?? ''}\n`)
  } else if (name === 'lint') {
    const count = (JSON.parse(answer['result.json'] ?? '{}') as { warnings?: unknown[] }).warnings?.length ?? 0
    stdout.write(count === 0 ? 'Check complete, no warnings found.\n' : `Check complete, ${count} warning${count === 1 ? ' has' : 's have'} been found!\n${answer['result.txt'] ?? ''}`)
  } else {
    stdout.write(answer['result.txt'] ?? '')
  }
  return ignoreStatus ? 0 : Number(answer['result.statuscode'] ?? 0)
}
