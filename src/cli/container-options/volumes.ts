import { resolve } from 'node:path'
import { OptionError } from './option-error.ts'

/** -v words: with a source they are binds, else anonymous volumes. A source that starts with a dot is a path. */
export function splitVolumes(words: string[]): { binds: string[]; anonymous: string[] } {
  const binds: string[] = []
  const anonymous: string[] = []
  for (const word of words) {
    const parts = word.split(':')
    if (parts.length > 3) throw new OptionError(`invalid spec: ${word}: too many colons`)
    const [source, target] = parts
    // "path:mode" has no source; only a target with a slash in it is one.
    if (parts.length === 1 || (parts.length === 2 && !target!.includes('/'))) {
      anonymous.push(word)
      continue
    }
    if (source!.startsWith('.')) binds.push([resolve(source!), ...parts.slice(1)].join(':'))
    else binds.push(word)
  }
  return { binds, anonymous }
}
