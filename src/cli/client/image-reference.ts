import { ExitError } from '../exit-error.ts'

/** The grammar of github.com/distribution/reference: [domain/]path[:tag][@digest]. */
const component = '[a-z0-9]+(?:(?:[.]|_{1,2}|-+)[a-z0-9]+)*'
const label = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const domain = `(?:${label}(?:[.]${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
const shape = new RegExp(`^(?:${domain}/)?${component}(?:/${component})*(?::[\\w][\\w.-]{0,127})?(?:@${digest})?$`)

/** "host:5000/name:tag@digest" cut into repository and tag (or digest); an absent tag is "". */
export function splitReference(reference: string): { repository: string; tag: string } {
  if (/[A-Z]/.test(repositoryPath(reference))) {
    throw new ExitError('invalid reference format: repository name (' + withDomainStripped(reference) + ') must be lowercase')
  }
  if (!shape.test(reference)) throw new ExitError('invalid reference format')
  const at = reference.indexOf('@')
  if (at >= 0) return { repository: reference.slice(0, at).replace(/:[^/]*$/, ''), tag: reference.slice(at + 1) }
  const colon = reference.lastIndexOf(':')
  if (colon < reference.lastIndexOf('/') || colon < 0) return { repository: reference, tag: '' }
  return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) }
}

/** The reference with ":latest" if it has neither tag nor digest. */
export function withDefaultTag(reference: string): string {
  return splitReference(reference).tag === '' ? `${reference}:latest` : reference
}

/** The reference with its registry and "library/", as docker prints what it has pulled. */
export function canonicalName(reference: string): string {
  const [first, ...rest] = reference.split('/')
  if (rest.length > 0 && (/[.:]/.test(first!) || first === 'localhost')) return reference
  return rest.length > 0 ? `docker.io/${reference}` : `docker.io/library/${reference}`
}

function withDomainStripped(reference: string): string {
  const path = repositoryPath(reference)
  return path.includes('/') ? path : `library/${path}`
}

function repositoryPath(reference: string): string {
  const name = reference.split('@')[0]!.replace(/:[^/]*$/, '')
  const [first, ...rest] = name.split('/')
  const isDomain = rest.length > 0 && (/[.:]/.test(first!) || first === 'localhost' || first !== first!.toLowerCase())
  return isDomain ? rest.join('/') : name
}
