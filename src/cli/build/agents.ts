import { readFileSync, statSync } from 'node:fs'
import { ExitError } from '../exit-error.ts'
import { readSshKey, type SshKey } from './ssh-key.ts'

/** Who answers as an agent: one that is there, by its socket, or keys that were read from files. */
export type Agent = { socket: string } | { keys: readonly SshKey[] }

/** Bytes; a longer file is no key. */
const largestKey = 100 * 1024

/** --ssh default|ID[=SOCKET|KEY[,KEY]]. @throws ExitError with BuildKit's texts */
export function readAgents(words: readonly string[], env: NodeJS.ProcessEnv): ReadonlyMap<string, Agent> {
  return new Map(
    words.map((word) => {
      const [id = '', ...rest] = word.split('=')
      const paths = (rest.join('=') || env['SSH_AUTH_SOCK'] || '').split(',').filter((path) => path !== '')
      if (paths.length === 0) throw new ExitError(`invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set`)
      return [id, agentOf(paths)] as const
    }),
  )
}

function agentOf(paths: readonly string[]): Agent {
  const keys: SshKey[] = []
  for (const path of paths) {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) throw new ExitError(`failed to open ${path}: no such file or directory`)
    if (found.isSocket()) {
      if (paths.length > 1) throw new ExitError('only single socket allowed')
      return { socket: path }
    }
    if (!found.isFile() || found.size > largestKey) throw new ExitError(`failed to parse ${path}: ssh: no key found`)
    keys.push(readSshKey(readFileSync(path, 'utf8'), path))
  }
  return { keys }
}
