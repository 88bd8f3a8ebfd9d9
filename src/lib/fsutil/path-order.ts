/** The order in which paths are sent: by bytes, but "/" before all, so that what is in a directory follows it at once. */
export function comparePaths(left: string, right: string): number {
  if (left === right) return 0
  const a = left.split('/')
  const b = right.split('/')
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return Buffer.compare(Buffer.from(a[i]!), Buffer.from(b[i]!))
  return a.length - b.length
}

/** Relative, and neither ".", ".." nor empty in any part: it cannot lead out of the directory that it is put in. */
export function isPlainPath(path: string): boolean {
  return path !== '' && !path.includes('\0') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}
