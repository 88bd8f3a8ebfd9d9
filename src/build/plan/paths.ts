import path from 'node:path/posix'

/** A path in an image, from a working directory there. Keeps no trailing slash. */
export function absolute(cwd: string, name: string): string {
  const joined = path.normalize(path.isAbsolute(name) ? name : path.join(cwd === '' ? '/' : cwd, name))
  return joined.length > 1 && joined.endsWith('/') ? joined.slice(0, -1) : joined
}

/** As `absolute`, and ends with "/" when the name says that it is a directory. */
export function destinationPath(cwd: string, name: string): string {
  const result = absolute(cwd, name)
  return /(^|\/)\.?$/.test(name) && result !== '/' ? `${result}/` : result
}
