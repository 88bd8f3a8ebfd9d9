import { statSync } from 'node:fs'
import { ExitError } from '../exit-error.ts'

/** --ssh: sockets of agents, by id. */
export function readAgents(words: readonly string[], env: NodeJS.ProcessEnv): ReadonlyMap<string, string> {
  return new Map(
    words.map((word) => {
      const [id = '', ...rest] = word.split('=')
      const path = rest.join('=') || env['SSH_AUTH_SOCK'] || ''
      if (path === '') throw new ExitError(`invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set`)
      const found = statSync(path, { throwIfNoEntry: false })
      if (found === undefined) throw new ExitError(`failed to open ${path}: no such file or directory`)
      if (!found.isSocket()) throw new ExitError(`failed to use ${path} for ssh: it is no socket of an agent (keys are given by an agent only)`)
      return [id, path] as const
    }),
  )
}
