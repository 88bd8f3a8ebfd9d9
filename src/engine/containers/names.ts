import { randomInt } from 'node:crypto'
import { GantryError } from '../../lib/errors.ts'
import { adjectives, surnames } from './name-words.ts'

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/** @returns the name without its slash. @throws InvalidParameter with Docker's text */
export function checkName(name: string): string {
  const plain = name.replace(/^\//, '')
  if (namePattern.test(plain)) return plain
  throw new GantryError('InvalidParameter', `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`)
}

/** adjective_surname; with a digit when chance keeps hitting names in use; at last the short id. */
export function generateName(taken: (name: string) => boolean, id: string): string {
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const name = `${pick(adjectives)}_${pick(surnames)}${attempt < 2 ? '' : String(randomInt(10))}`
    if (!taken(name)) return name
  }
  return id.slice(0, 12)
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] as string
}
