import { numberField } from './fields.ts'
import { parsePaxNumber, type PaxRecords } from './pax.ts'
import { badTar } from './tar-failure.ts'

/** A piece of a sparse file that is stored in the archive. */
export interface Fragment {
  readonly offset: number
  readonly length: number
}

const maximumFragments = 100_000

/** Fragments in an old GNU header (4 of them from byte 386) or in an extension block (21 from byte 0). */
export function gnuFragments(block: Buffer, kind: 'header' | 'extension'): { fragments: Fragment[]; extended: boolean } {
  const [start, count, flag] = kind === 'header' ? [386, 4, 482] : [0, 21, 504]
  const fragments: Fragment[] = []
  for (let at = start; at < start + count * 24; at += 24) {
    if (block[at] === 0) break
    fragments.push({ offset: numberField(block, at, 12, 'sparse offset'), length: numberField(block, at + 12, 12, 'sparse length') })
  }
  return { fragments, extended: block[flag] !== 0 }
}

/** The map of GNU sparse formats 0.0 (repeated offset and numbytes) and 0.1 (one comma list), which is in the PAX records. */
export function paxFragments(records: PaxRecords): Fragment[] | undefined {
  const numbers: string[] = []
  let found = false
  for (const [key, value] of records) {
    if (key === 'GNU.sparse.map') numbers.push(...value.toString('latin1').split(',').filter((part) => part !== ''))
    else if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') numbers.push(value.toString('latin1'))
    else if (key !== 'GNU.sparse.numblocks') continue
    found = true
  }
  return found ? pairs(numbers.map((text) => parsePaxNumber(text, 'sparse map'))) : undefined
}

/** The map of GNU sparse format 1.0: decimal numbers by line in the first blocks of the data. */
export class SparseMapText {
  #text = ''
  #lines = 0
  #fragments: number | undefined

  /** @returns the fragments once the last block of the map was added */
  add(block: Buffer): Fragment[] | undefined {
    this.#text += block.toString('latin1')
    for (const byte of block) if (byte === 0x0a) this.#lines++
    if (this.#lines > 0) this.#fragments ??= parsePaxNumber(this.#text.slice(0, this.#text.indexOf('\n')), 'sparse map')
    const count = this.#fragments ?? 0
    if (count > maximumFragments || this.#text.length > maximumFragments * 36) throw badTar('a sparse map is too long')
    if (this.#lines < count * 2 + 1) return undefined
    const numbers = this.#text.split('\n').slice(1, count * 2 + 1)
    return pairs(numbers.map((text) => parsePaxNumber(text, 'sparse map')))
  }

  /** Bytes of blocks added so far. */
  get bytes(): number {
    return this.#text.length
  }
}

/** The map of format 1.0, padded to blocks; it ends with an empty fragment at the end of the file, as GNU tar's do. */
export function encodeSparseMap(fragments: readonly Fragment[], size: number): Buffer {
  const all = [...fragments, { offset: size, length: 0 }]
  const text = Buffer.from(`${all.length}\n${all.map(({ offset, length }) => `${offset}\n${length}\n`).join('')}`)
  return Buffer.concat([text], Math.ceil(text.length / 512) * 512)
}

/** @throws InvalidParameter when fragments overlap, leave the file or do not add up to what is stored */
export function checkFragments(fragments: readonly Fragment[], stored: number, size: number): Fragment[] {
  if (fragments.length > maximumFragments) throw badTar('a sparse map is too long')
  let end = 0
  let sum = 0
  for (const { offset, length } of fragments) {
    if (offset < end || offset + length > size) throw badTar('a sparse map is out of order')
    end = offset + length
    sum += length
  }
  if (sum !== stored) throw badTar('a sparse map does not add up to its data')
  return fragments.filter((fragment) => fragment.length > 0)
}

function pairs(numbers: number[]): Fragment[] {
  if (numbers.length % 2 !== 0) throw badTar('a sparse map has an odd number of numbers')
  const fragments: Fragment[] = []
  for (let at = 0; at < numbers.length; at += 2) fragments.push({ offset: numbers[at]!, length: numbers[at + 1]! })
  return fragments
}
