import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A file of the project's build/, seen from the sources as well as from a bundle in dist/. */
export function nativeFile(name: string): string {
  const found = findAbove(join('build', name))
  if (found === undefined) throw new Error(`cannot find build/${name}: run \`make native\``)
  return found
}

/** One of the project's own programs. */
export function programFile(name: string): string {
  const found = findAbove(join('bin', name))
  if (found === undefined) throw new Error(`cannot find bin/${name}`)
  return found
}

function findAbove(path: string): string | undefined {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const candidate = join(directory, path)
    if (existsSync(candidate)) return candidate
    if (directory === '/') return undefined
  }
}
