import path from 'node:path'

/** One end of a copy: CopyInfo of Docker's client. */
export interface CopyEnd {
  path: string
  exists: boolean
  isDirectory: boolean
  /** The name that was asked for, when a link was followed to another one. */
  rebaseName?: string
}

/** "CONTAINER:PATH"; a local path has no colon, or one after a slash. "-" is a stream. */
export function splitArgument(argument: string): { container: string; path: string } {
  const colon = argument.indexOf(':')
  const local = path.isAbsolute(argument) || argument.startsWith('.') || colon === -1
  return local ? { container: '', path: argument } : { container: argument.slice(0, colon), path: argument.slice(colon + 1) }
}

export function endsInDot(text: string): boolean {
  return text === '' || baseName(text) === '.'
}

export function endsInSlash(text: string): boolean {
  return text.endsWith('/')
}

/** As Go's filepath.Base. */
export function baseName(text: string): string {
  if (text === '') return '.'
  const trimmed = text.replace(/\/+$/, '')
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1)
}

/** Puts the trailing "." or "/" of what was typed back on a cleaned path: it says that a directory is meant. */
export function keepTrailing(cleaned: string, typed: string): string {
  let kept = cleaned
  if (!endsInDot(kept) && endsInDot(typed)) kept = `${endsInSlash(kept) ? kept : `${kept}/`}.`
  return !endsInSlash(kept) && endsInSlash(typed) ? `${kept}/` : kept
}

/** Directory and entry; a path that ends in "." has that as its entry. */
export function splitEntry(text: string): { directory: string; entry: string } {
  const normal = path.normalize(text).replace(/(?<=.)\/+$/, '')
  const cleaned = endsInDot(text) ? `${normal}/.` : normal
  return { directory: path.posix.dirname(cleaned), entry: baseName(cleaned) }
}

export function localPath(typed: string): string {
  return keepTrailing(path.resolve(typed), typed)
}

/** Where a followed link leads, with the trailing part of what was typed, and the name that the copy is to have. */
export function afterLink(typed: string, resolved: string): { path: string; rebaseName: string } {
  let target = resolved
  if (endsInDot(typed) && !endsInDot(target)) target += '/.'
  if (endsInSlash(typed) && !endsInSlash(target)) target += '/'
  return { path: target, rebaseName: baseName(typed) === baseName(target) ? '' : baseName(typed) }
}
