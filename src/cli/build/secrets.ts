import { readFileSync, statSync } from 'node:fs'
import { parseCsv } from '../container-options/csv.ts'
import { ExitError } from '../exit-error.ts'

/** Bytes: what BuildKit's clients send at most. */
const maxSecretBytes = 500 * 1024

/** Reads a secret when it is asked for. */
export type Secrets = ReadonlyMap<string, () => Uint8Array>

/** --secret: id, and where it comes from: src (or source) or env; else the variable or the file with the id's name. */
export function readSecrets(words: readonly string[], env: NodeJS.ProcessEnv): Secrets {
  return new Map(words.map((word) => readSecret(word, env)))
}

function readSecret(word: string, env: NodeJS.ProcessEnv): [string, () => Uint8Array] {
  let id = ''
  let type = ''
  let file: string | undefined
  let variable: string | undefined
  for (const field of parseCsv(word)) {
    const [key = '', ...rest] = field.split('=')
    const value = rest.join('=')
    if (rest.length === 0) throw new ExitError(`invalid field '${field}' must be a key=value pair`)
    if (key === 'id') id = value
    else if (key === 'type') type = value
    else if (key === 'src' || key === 'source') file = value
    else if (key === 'env') variable = value
    else throw new ExitError(`unexpected key '${key}' in '${field}'`)
  }
  if (type !== '' && type !== 'file' && type !== 'env') throw new ExitError(`unsupported secret type ${JSON.stringify(type)}`)
  if (id === '') throw new ExitError('secret missing ID')
  if (type === 'env' && variable === undefined) [variable, file] = [file ?? id, undefined]
  if (file === undefined && variable === undefined) {
    if (type !== 'file' && env[id] !== undefined) variable = id
    else file = id
  }
  if (variable !== undefined) return [id, () => Buffer.from(env[variable] ?? '')]
  return [id, fileSecret(file!)]
}

function fileSecret(file: string): () => Uint8Array {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) throw new ExitError(`failed to stat ${file}: stat ${file}: no such file or directory`)
  if (found.size > maxSecretBytes) throw new ExitError(`secret ${file} too big. max size 500KB`)
  return () => readFileSync(file)
}
