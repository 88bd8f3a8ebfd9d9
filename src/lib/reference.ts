import { GantryError } from './errors.ts'

/**
 * Image references: [domain/]path[:tag][@digest].
 * Grammar: OCI distribution-spec "Pulling manifests" and the reference grammar of Docker's registry; the short forms
 * are Docker's: no domain is docker.io, and a single name there lies in "library/".
 */
export interface Reference {
  readonly domain: string
  readonly path: string
  readonly tag?: string
  readonly digest?: string
}

const defaultDomain = 'docker.io'
const legacyDomain = 'index.docker.io'
const officialPrefix = 'library/'
const longestName = 255

const label = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const domain = `(?:${label}(?:\\.${label})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
const grammar = new RegExp(
  `^(?:(?<domain>${domain})/)?(?<path>${component}(?:/${component})*)(?::(?<tag>\\w[\\w.-]{0,127}))?(?:@(?<digest>${digest}))?$`,
)
const hexLengths: Record<string, number> = { sha256: 64, sha384: 96, sha512: 128 }

/** Reads what users type. @throws InvalidParameter with Docker's text */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`)
  }
  const { domain, rest } = splitDomain(text)
  const colon = rest.indexOf(':')
  const name = colon === -1 ? rest : rest.slice(0, colon)
  if (name.toLowerCase() !== name) throw invalid(`invalid reference format: repository name (${name}) must be lowercase`)
  const groups = grammar.exec(`${domain}/${rest}`)?.groups
  if (groups?.['domain'] === undefined || groups['path'] === undefined) throw invalid('invalid reference format')
  if (groups['path'].length > longestName) throw invalid(`repository name must not be more than ${longestName} characters`)
  if (groups['digest'] !== undefined) checkDigest(groups['digest'])
  return {
    domain: groups['domain'],
    path: groups['path'],
    ...(groups['tag'] !== undefined && { tag: groups['tag'] }),
    ...(groups['digest'] !== undefined && { digest: groups['digest'] }),
  }
}

/** An image id ("sha256:<64 hex>" or 64 hex) or else a reference. */
export function parseAnyReference(text: string): { id: string } | Reference {
  if (/^[a-f0-9]{64}$/.test(text)) return { id: `sha256:${text}` }
  if (isDigest(text)) return { id: text }
  return parseReference(text)
}

/** "latest" for a reference that has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference
}

/** "docker.io/library/busybox" */
export function fullName(reference: Reference): string {
  return `${reference.domain}/${reference.path}`
}

/** "docker.io/library/busybox:latest" */
export function fullString(reference: Reference): string {
  return fullName(reference) + suffix(reference)
}

/** "busybox" */
export function familiarName(reference: Reference): string {
  if (reference.domain !== defaultDomain) return fullName(reference)
  const short = reference.path.startsWith(officialPrefix) ? reference.path.slice(officialPrefix.length) : reference.path
  return short.includes('/') ? reference.path : short
}

/** "busybox:latest" */
export function familiarString(reference: Reference): string {
  return familiarName(reference) + suffix(reference)
}

/** Is this a digest as content is addressed by: algorithm and lower-case hexadecimal of the right length? */
export function isDigest(text: string): boolean {
  const [algorithm, hex, ...more] = text.split(':')
  return more.length === 0 && hex !== undefined && hexLengths[algorithm!] === hex.length && /^[a-f0-9]+$/.test(hex)
}

function suffix(reference: Reference): string {
  return (reference.tag === undefined ? '' : `:${reference.tag}`) + (reference.digest === undefined ? '' : `@${reference.digest}`)
}

function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf('/')
  const first = slash === -1 ? '' : text.slice(0, slash)
  const isDomain = first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first
  if (isDomain && first !== defaultDomain && first !== legacyDomain) return { domain: first, rest: text.slice(slash + 1) }
  const rest = isDomain ? text.slice(slash + 1) : text
  return { domain: defaultDomain, rest: rest.includes('/') ? rest : officialPrefix + rest }
}

function checkDigest(digest: string): void {
  const [algorithm, hex] = digest.split(':') as [string, string]
  const length = hexLengths[algorithm]
  if (length === undefined) throw invalid('unsupported digest algorithm')
  if (hex.length !== length) throw invalid('invalid checksum digest length')
  if (!/^[a-f0-9]+$/.test(hex)) throw invalid('invalid checksum digest format')
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
