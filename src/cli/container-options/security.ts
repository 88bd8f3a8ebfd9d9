import { readText } from './environment.ts'
import { OptionError } from './option-error.ts'

/** --security-opt: a seccomp profile is read here and sent inline, compacted. */
export function securityOptions(words: string[]): { options: string[]; maskedPaths: [] | null } {
  const options: string[] = []
  let maskedPaths: [] | null = null
  for (const word of words) {
    const [key] = word.split(/[=:]/, 1)
    const value = word.slice(key!.length + 1)
    if (word === 'systempaths=unconfined') {
      maskedPaths = []
      continue
    }
    if (value === '' && word !== 'no-new-privileges') throw new OptionError(`Invalid --security-opt: ${JSON.stringify(word)}`)
    options.push(key === 'seccomp' && value !== 'unconfined' && value !== 'builtin' ? `seccomp=${seccompProfile(value)}` : word)
  }
  return { options, maskedPaths }
}

function seccompProfile(path: string): string {
  let text: string
  try {
    text = readText(path)
  } catch (cause) {
    throw new OptionError(`opening seccomp profile (${path}) failed: ${(cause as Error).message}`, { cause })
  }
  try {
    return JSON.stringify(JSON.parse(text))
  } catch (cause) {
    throw new OptionError(`compacting json for seccomp profile (${path}) failed: ${(cause as Error).message}`, { cause })
  }
}

/** --cap-add and --cap-drop by full name, sorted, without repetition; what ALL means with others is the engine's to say. */
export function capabilities(words: string[]): string[] | null {
  const names = new Set(words.map(fullName))
  return names.size > 0 ? [...names].toSorted() : null
}

function fullName(name: string): string {
  const upper = name.trim().toUpperCase()
  return upper === 'ALL' || upper.startsWith('CAP_') ? upper : `CAP_${upper}`
}
