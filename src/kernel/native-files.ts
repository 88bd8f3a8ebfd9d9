import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A file of the project's build/, seen from the sources as well as from a bundle in dist/. */
export function nativeFile(name: string): string {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const candidate = join(directory, 'build', name)
    if (existsSync(candidate)) return candidate
    if (directory === '/') throw new Error(`cannot find build/${name}: run \`make native\``)
  }
}
