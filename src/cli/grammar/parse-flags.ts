import type { Flag, FlagValue } from './flag.ts'
import { FlagValues } from './flag.ts'
import { readFlagValue } from './flag-value.ts'

export type Parsed = { values: FlagValues; positionals: string[]; wantsHelp: boolean }

/** Bad flags; the message is the one scripts know from docker. */
export class GrammarError extends Error {
  override readonly name = 'GrammarError'
}

/**
 * Splits words into flags and positionals by docker's grammar: `-dit`, `-p80:80`, `-p=80:80`, `--rm=false`, `--env X`,
 * `--env=X`, `--`. With `interspersed` flags may follow positionals; without, everything after the first is left alone.
 */
export function parseFlags(words: readonly string[], flags: readonly Flag[], options: { interspersed: boolean }): Parsed {
  const given = new Map<string, FlagValue>()
  const positionals: string[] = []
  let wantsHelp = false
  const rest = [...words]
  while (rest.length > 0) {
    const word = rest.shift()!
    if (word === '--') {
      positionals.push(...rest)
      break
    }
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word)
      if (options.interspersed) continue
      positionals.push(...rest)
      break
    }
    const found = word.startsWith('--') ? longFlag(word, flags, rest) : shortFlags(word, flags, rest)
    if (found === 'help') {
      wantsHelp = true
      break
    }
    for (const { flag, text } of found) store(given, flag, text)
  }
  return { values: new FlagValues(given), positionals, wantsHelp }
}

type Found = { flag: Flag; text: string }[] | 'help'

function longFlag(word: string, flags: readonly Flag[], rest: string[]): Found {
  const equals = word.indexOf('=')
  const name = word.slice(2, equals < 0 ? undefined : equals)
  if (name === '' || name.startsWith('-')) throw new GrammarError(`bad flag syntax: ${word}`)
  const flag = flags.find((candidate) => candidate.name === name || candidate.aliases?.includes(name))
  if (!flag) {
    if (name === 'help') return 'help'
    throw new GrammarError(`unknown flag: --${name}`)
  }
  if (equals >= 0) return [{ flag, text: word.slice(equals + 1) }]
  if (flag.kind === 'boolean') return [{ flag, text: 'true' }]
  if (rest.length === 0) throw new GrammarError(`flag needs an argument: --${name}`)
  return [{ flag, text: rest.shift()! }]
}

function shortFlags(word: string, flags: readonly Flag[], rest: string[]): Found {
  const found: { flag: Flag; text: string }[] = []
  let letters = word.slice(1)
  while (letters !== '') {
    const letter = letters[0]!
    const tail = letters.slice(1)
    const flag = flags.find((candidate) => candidate.short === letter)
    if (!flag) {
      if (letter === 'h') return 'help'
      throw new GrammarError(`unknown shorthand flag: '${letter}' in -${letters}`)
    }
    if (tail.startsWith('=') && tail.length > 1) return [...found, { flag, text: tail.slice(1) }]
    if (flag.kind === 'boolean') {
      found.push({ flag, text: 'true' })
      letters = tail
      continue
    }
    if (tail !== '') return [...found, { flag, text: tail }]
    if (rest.length === 0) throw new GrammarError(`flag needs an argument: '${letter}' in -${letters}`)
    return [...found, { flag, text: rest.shift()! }]
  }
  return found
}

function store(given: Map<string, FlagValue>, flag: Flag, text: string): void {
  let value: FlagValue
  try {
    value = readFlagValue(flag.kind, text)
    flag.check?.(text)
  } catch (cause) {
    const shown = flag.short ? `-${flag.short}, --${flag.name}` : `--${flag.name}`
    const reason = (cause as Error).message
    throw new GrammarError(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${reason}`, { cause })
  }
  if (flag.kind !== 'list') given.set(flag.name, value)
  else given.set(flag.name, [...((given.get(flag.name) as string[] | undefined) ?? []), value as string])
}
