import type { CliContext } from '../command.ts'
import { EngineError } from '../client/engine-error.ts'
import { ExitError } from '../exit-error.ts'

/** The header X-Docker-Container-Path-Stat; `mode` is Go's. */
export interface PathStat {
  name: string
  size: number
  mode: number
  mtime: string
  linkTarget: string
}

const directoryBit = 2 ** 31
const linkBit = 2 ** 27
const deviceBit = 2 ** 26

/** undefined when there is no such path, or it cannot be looked at: what comes next says why. */
export async function pathStat(context: CliContext, container: string, path: string): Promise<PathStat | undefined> {
  try {
    const response = await context.client.open('HEAD', `/containers/${encodeURIComponent(container)}/archive`, { query: { path } })
    return parsePathStat(response.headers)
  } catch (error) {
    if (error instanceof EngineError) return undefined
    throw error
  }
}

export function parsePathStat(headers: Record<string, string | string[] | undefined>): PathStat {
  const text = headers['x-docker-container-path-stat']
  try {
    return JSON.parse(Buffer.from(String(text), 'base64').toString('utf8')) as PathStat
  } catch (cause) {
    throw new ExitError(`unable to get resource stat from response: ${(cause as Error).message}`, 1, { cause })
  }
}

export function isDirectory({ mode }: PathStat): boolean {
  return has(mode, directoryBit)
}

export function isLink({ mode }: PathStat): boolean {
  return has(mode, linkBit)
}

export function isSpecial({ mode }: PathStat): boolean {
  return has(mode, deviceBit)
}

/** Bit 31 does not fit the operators of JavaScript. */
function has(mode: number, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1
}
