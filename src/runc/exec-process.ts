import { GantryError } from '../lib/errors.ts'
import { parseJson } from '../lib/json.ts'
import { flag, isSet, type Arguments } from './arguments.ts'
import { readGiven } from './given-file.ts'
import type { OciCapabilities, OciProcess } from './spec.ts'

/** What `exec` runs: the process from a file, or the container's own with what the command line changes. */
export function execProcess(container: OciProcess | undefined, command: string[], args: Arguments): OciProcess {
  const file = flag(args, 'process')
  if (file) {
    const process = parseJson(readGiven(file)) as OciProcess
    return isSet(args, 'tty') ? { ...process, terminal: true } : process
  }
  if (command.length === 0) throw new GantryError('InvalidParameter', 'process args cannot be empty')
  if (container === undefined) throw new GantryError('InvalidParameter', 'cannot exec: the container has no process')
  const user = flag(args, 'user')
  const label = flag(args, 'process-label')
  const profile = flag(args, 'apparmor')
  const groups = (args.flags.get('additional-gids') ?? []).map(groupOf)
  const { consoleSize: _, ...rest } = container
  return {
    ...rest,
    args: command,
    terminal: isSet(args, 'tty'),
    env: [...(container.env ?? []), ...(args.flags.get('env') ?? [])],
    cwd: flag(args, 'cwd') ?? container.cwd,
    user: addGroups(user === undefined ? container.user : userOf(user), groups),
    capabilities: addCapabilities(container.capabilities, args.flags.get('cap') ?? []),
    ...(isSet(args, 'no-new-privs') ? { noNewPrivileges: true } : {}),
    ...(label === undefined ? {} : { selinuxLabel: label }),
    ...(profile === undefined ? {} : { apparmorProfile: profile }),
  }
}

/** UID[:GID], numbers as in runc. */
function userOf(text: string): OciProcess['user'] {
  const [, uid, gid = '0'] = /^(\d+)(?::(\d+))?$/.exec(text) ?? []
  if (uid === undefined) throw new GantryError('InvalidParameter', `parsing ${text} as uid failed: it must be UID[:GID]`)
  return { uid: Number(uid), gid: Number(gid), additionalGids: [] }
}

function groupOf(text: string): number {
  if (!/^\d+$/.test(text)) throw new GantryError('InvalidParameter', `parsing ${text} as gid failed`)
  return Number(text)
}

function addGroups(user: OciProcess['user'], groups: number[]): OciProcess['user'] {
  return groups.length === 0 ? user : { ...user, additionalGids: [...(user.additionalGids ?? []), ...groups] }
}

/** To what the process has; ambient ones need them inheritable too. */
function addCapabilities(own: OciCapabilities | undefined, names: string[]): OciCapabilities | undefined {
  if (names.length === 0) return own
  const sets: OciCapabilities = { ...own }
  for (const set of ['bounding', 'effective', 'permitted'] as const) sets[set] = [...new Set([...(own?.[set] ?? []), ...names])]
  return sets
}
