import { resolve } from 'node:path'
import { OptionError } from './option-error.ts'

/**
 * -v words: with a colon they are binds, "path:mode" too, which the engine knows; else anonymous volumes. A source that starts with a
 * dot is a path.
 */
export function splitVolumes(words: string[]): { binds: string[]; anonymous: string[] } {
  const binds: string[] = []
  const anonymous: string[] = []
  for (const word of words) {
    const [source = '', ...rest] = sectionsOf(word)
    if (rest.length === 0) anonymous.push(word)
    else if (source.startsWith('.')) binds.push([resolve(source), ...rest].join(':'))
    else binds.push(word)
  }
  return { binds, anonymous }
}

/** What is between colons; one after a single letter belongs to a drive of Windows, as docker has it. */
function sectionsOf(word: string): string[] {
  const sections: string[] = []
  for (const part of word.split(':')) {
    if (/^[A-Za-z]$/.test(sections.at(-1) ?? '')) sections[sections.length - 1] += `:${part}`
    else sections.push(part)
  }
  if (sections.includes('') && word !== '') throw new OptionError(`invalid spec: ${word}: empty section between colons`)
  if (sections.length > 3) throw new OptionError(`invalid spec: ${word}: too many colons`)
  return sections
}
