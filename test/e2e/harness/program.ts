import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'

export const projectRoot = path.resolve(import.meta.dirname, '../../..')

/** A program of this project, or one that scripts/setup fetched, or one on PATH; undefined when there is none. */
export function findProgram(name: string): string | undefined {
  const places = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', path.join(projectRoot, 'build/bin')]
  if (name.startsWith('gantry')) places.unshift(path.join(projectRoot, 'bin'))
  return places.map((place) => path.join(place, name)).find(executable)
}

export function program(name: string): string {
  const found = findProgram(name)
  if (found === undefined) throw new Error(`cannot find the program ${name}: run scripts/setup`)
  return found
}

/** A client of before the buildx plugin, of version 20, as Debian 12 has it. */
export function findOldDocker(): string | undefined {
  const places = ['/usr/bin/docker', path.join(projectRoot, 'build/bin/docker')].filter(executable)
  return places.find((file) => spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout.includes('version 20.'))
}

export function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
