import { readFileSync } from 'node:fs'
import type { FlagValues } from '../grammar/flag.ts'
import { OptionError } from './option-error.ts'

/** --env-file, then --env. A name alone takes its value from `env`; if it has none there, the name alone is sent. */
export function environment(flags: FlagValues, env: NodeJS.ProcessEnv): string[] {
  const fromFiles = flags.list('env-file').flatMap((path) => envFile(path, env))
  const given = flags.list('env').map((word) => {
    const value = env[word]
    return word.includes('=') || value === undefined ? word : `${word}=${value}`
  })
  // The last of several values counts.
  return [...new Map([...fromFiles, ...given].map((word) => [word.split('=', 1)[0], word])).values()]
}

/** --label-file, then --label; a label without a value has the empty one. */
export function labels(flags: FlagValues): Record<string, string> {
  const lines = [...flags.list('label-file').flatMap((path) => fileLines(path)), ...flags.list('label')]
  return keyValues(lines)
}

/** "a=b" words as an object. */
export function keyValues(words: string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf('=')
      return equals < 0 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)]
    }),
  )
}

function envFile(path: string, env: NodeJS.ProcessEnv): string[] {
  return fileLines(path).flatMap((line) => {
    const [name] = line.split('=', 1)
    if (name === '') throw new OptionError(`no variable name on line '${line}'`)
    if (/\s/.test(name!)) throw new OptionError(`variable '${name}' contains whitespaces`)
    if (line.includes('=')) return [line]
    return env[line] === undefined ? [] : [`${line}=${env[line]}`]
  })
}

function fileLines(path: string): string[] {
  return readText(path)
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, '').trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

/** A file's text; the error says what open(2) said. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    const reason = { ENOENT: 'no such file or directory', EACCES: 'permission denied', EISDIR: 'is a directory' }[code ?? '']
    throw new OptionError(`open ${path}: ${reason ?? (cause as Error).message}`, { cause })
  }
}
