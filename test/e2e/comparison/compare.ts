import type { Client } from '../harness/client.ts'
import type { Finished } from '../harness/run.ts'

export interface Difference {
  invocation: string
  original: string
  ours: string
}

/** Runs every line against both engines, each in its order, and tells where what a user sees differs. */
export async function compare(original: Client, ours: Client, invocations: readonly string[]): Promise<Difference[]> {
  const [theirs, mine] = await Promise.all([answers(original, invocations), answers(ours, invocations)])
  return invocations.flatMap((invocation, index) => {
    const pair = { invocation, original: theirs[index] ?? '', ours: mine[index] ?? '' }
    return pair.original === pair.ours ? [] : [pair]
  })
}

async function answers(client: Client, invocations: readonly string[]): Promise<string[]> {
  const seen: string[] = []
  for (const invocation of invocations) {
    const words = wordsOf(invocation)
    const binary = ['cp', 'save', 'export'].includes(words[0] ?? '')
    const answer = normalised(await client.dockerWith({ timeout: 60_000 }, ...words), binary)
    // What was pruned is told in no order that anybody promises.
    seen.push(words[1] === 'prune' ? answer.split('\n').toSorted().join('\n') : answer)
  }
  return seen
}

/** Words at blanks; single quotes keep a word together, a backslash keeps the next character. */
export function wordsOf(line: string): string[] {
  return (line.match(/(?:'[^']*'|\\.|[^\s'\\])+/g) ?? []).map((word) => word.replaceAll(/'([^']*)'|\\(.)/g, (_, quoted?: string, escaped?: string) => quoted ?? escaped ?? ''))
}

/** Identifiers, times, addresses and chosen names differ from run to run. An archive counts as there or not. */
export function normalised({ code, stdout, stderr }: Finished, binary: boolean): string {
  const out = binary && code === 0 ? '<archive>' : stdout
  const errors = stderr.includes('Error response from daemon') ? stderr.toLowerCase() : stderr
  return `exit ${code}\n${`${out}\n${errors}`
    .replaceAll(/\b(?:sha256:)?[0-9a-f]{64}\b/g, '<id>')
    .replaceAll(/\b[0-9a-f]{12}\b/g, '<short id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, '<time>')
    .replaceAll(/\b172\.\d+\.\d+\.\d+/g, '<address>')
    .replaceAll(/(?:\/tmp\/gt-|\/var\/lib\/|\/tmp\/)[^\s"':]+/g, '<path>')
    .replaceAll(/Up (?:Less than a second|\d+ seconds?)/g, 'Up <time>')
    .replaceAll(/(?:Less than a second|\d+ seconds?|About a minute|\d+ minutes?) ago/g, '<time> ago')
    .replaceAll('dial tcp [::1]:', 'dial tcp 127.0.0.1:')
    .replaceAll(/ {2,}/g, '  ')
    .replaceAll(/\b(?:docker|gantryd?)(?:-\w+)?: /g, 'engine: ')
    .replaceAll(/v1\.\d\d\//g, 'v1.xx/')
    .replaceAll(/^[a-z]+_[a-z]+(?= |$)/gm, '<name>')
    // What the original has added to, or taken from, its texts since the release that is compared.
    .replaceAll(/(?:failed to create task for container|error during container init|failed to set up container networking|no such image: nothing): /g, '')
    .replaceAll(/invalid (?:config for network \w+|endpoint settings|network config|pool request): *\n?/g, '')
    .replaceAll(/(?:WARNING: )?IPv4 forwarding is disabled\. Networking will not work\.\n?/gi, '')
    .replaceAll(/\n{2,}/g, '\n')
    .replaceAll(/[ \t]+$/gm, '')
    .trim()}`
}
