import type { Filters } from '../engine.ts'
import { labelsMatch } from '../events/labels.ts'
import type { Image, ImageStore } from '../../containerd/images/contract.ts'
import { GantryError } from '../../lib/errors.ts'
import { parseTimeLimit } from './time-limit.ts'

export interface SelectImages {
  /** Shows images that only serve as parents of others, too. */
  all: boolean
  filters: Filters
  used: (imageId: string) => boolean
}

const known = new Set(['dangling', 'label', 'label!', 'before', 'since', 'until', 'reference', 'containers'])

/**
 * The images that pass every filter, newest first. `reference` also narrows the names that an image shows.
 * @throws InvalidParameter for an unknown filter or a bad value, NotFound for an unknown image in before and since
 */
export function selectImages(store: ImageStore, { all, filters, used }: SelectImages): Image[] {
  for (const key of filters.keys()) if (!known.has(key)) throw new GantryError('InvalidParameter', `invalid filter '${key}'`)
  // What is one platform's of another image's names is listed with that one.
  const images = store.list().filter((image) => image.isVariant !== true)
  const parents = new Set(images.map((image) => image.parent))
  const patterns = [...(filters.get('reference') ?? [])].map(globToRegExp)
  const tests: ((image: Image) => boolean)[] = [dangling(filters), labels(filters), ...times(store, filters)]
  for (const value of filters.get('containers') ?? []) tests.push((image) => used(image.id) === booleanFilter('containers', value))
  return images
    .filter((image) => tests.every((test) => test(image)))
    .filter((image) => all || hasName(image) || !parents.has(image.id))
    .map((image) => (patterns.length === 0 ? image : narrow(image, patterns)))
    .filter((image) => patterns.length === 0 || hasName(image))
    .toSorted((left, right) => createdAt(right) - createdAt(left) || (left.id < right.id ? -1 : 1))
}

function hasName(image: Image): boolean {
  return image.repoTags.length > 0 || image.repoDigests.length > 0
}

function dangling(filters: Filters): (image: Image) => boolean {
  const values = [...(filters.get('dangling') ?? [])].map((value) => booleanFilter('dangling', value))
  return (image) => values.every((wanted) => wanted !== hasName(image))
}

export function booleanFilter(key: string, value: string): boolean {
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw new GantryError('InvalidParameter', `invalid filter '${key}=[${value}]'`)
}

export function labels(filters: Filters): (image: Image) => boolean {
  const wanted = filters.get('label') ?? new Set<string>()
  const unwanted = filters.get('label!') ?? new Set<string>()
  return ({ config }) => {
    const own = config.Labels ?? {}
    return labelsMatch(own, wanted) && (unwanted.size === 0 || !labelsMatch(own, unwanted))
  }
}

function times(store: ImageStore, filters: Filters): ((image: Image) => boolean)[] {
  const tests: ((image: Image) => boolean)[] = []
  for (const reference of filters.get('before') ?? []) {
    const limit = createdAt(store.get(reference))
    tests.push((image) => createdAt(image) < limit)
  }
  for (const reference of filters.get('since') ?? []) {
    const limit = createdAt(store.get(reference))
    tests.push((image) => createdAt(image) > limit)
  }
  for (const value of filters.get('until') ?? []) tests.push(createdBefore(value))
  return tests
}

/** The `until` filter: a point in time, or a duration back from now. */
export function createdBefore(value: string): (image: Image) => boolean {
  const limit = parseTimeLimit(value)
  return (image) => createdAt(image) < limit
}

function createdAt(image: Image): number {
  const milliseconds = Date.parse(image.created)
  return Number.isNaN(milliseconds) ? 0 : milliseconds
}

function narrow(image: Image, patterns: readonly RegExp[]): Image {
  const matches = (name: string): boolean => patterns.some((pattern) => pattern.test(name) || pattern.test(nameOnly(name)))
  return { ...image, repoTags: image.repoTags.filter(matches), repoDigests: image.repoDigests.filter(matches) }
}

function nameOnly(reference: string): string {
  const digest = reference.indexOf('@')
  if (digest >= 0) return reference.slice(0, digest)
  const colon = reference.lastIndexOf(':')
  return colon > reference.lastIndexOf('/') ? reference.slice(0, colon) : reference
}

/** Go's path.Match: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are classes, a backslash quotes. */
function globToRegExp(pattern: string): RegExp {
  let source = ''
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern.charAt(index)
    const classEnd = character === '[' ? pattern.indexOf(']', index + 2) : -1
    if (character === '*') source += '[^/]*'
    else if (character === '?') source += '[^/]'
    else if (classEnd > 0) {
      source += `[${pattern.slice(index + 1, classEnd).replaceAll(/[\\[\]]/g, String.raw`\$&`)}]`
      index = classEnd
    } else if (character === '\\') source += RegExp.escape(pattern.charAt(++index))
    else if (character === '[') throw new GantryError('InvalidParameter', `invalid filter 'reference=[${pattern}]': syntax error in pattern`)
    else source += RegExp.escape(character)
  }
  try {
    return new RegExp(`^${source}$`)
  } catch (error) {
    throw new GantryError('InvalidParameter', `invalid filter 'reference=[${pattern}]': syntax error in pattern`, { cause: error })
  }
}
