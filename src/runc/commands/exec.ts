import { mkdirSync, readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { detectLayout } from '../../kernel/cgroup/layout.ts'
import { GantryError } from '../../lib/errors.ts'
import { flag, isSet, type Arguments } from '../arguments.ts'
import type { Command } from '../command.ts'
import { compileExec } from '../compile-exec.ts'
import { forget, load, statusOf } from '../container-store.ts'
import { runInForeground } from '../foreground.ts'
import { startProgram } from '../lifecycle.ts'
import type { OciProcess } from '../spec.ts'
import { startError } from '../start-error.ts'
import { writePidFile } from './create.ts'

export const exec: Command = {
  flags: {
    process: { letter: 'p', value: true },
    tty: { letter: 't' },
    user: { letter: 'u', value: true },
    cwd: { value: true },
    env: { letter: 'e', value: true, list: true },
    detach: { letter: 'd' },
    'pid-file': { value: true },
    'no-new-privs': {},
    'console-socket': { value: true, missing: true },
    'preserve-fds': { value: true, missing: true },
    cap: { letter: 'c', value: true, missing: true },
  },
  arguments: [1, Infinity],
  run: async ({ root, args }) => {
    const [id = '', ...command] = args.rest
    const { directory: container, record, spec } = load(root, id)
    if (statusOf(record) !== 'running') throw new GantryError('Conflict', `cannot exec in a container that is ${statusOf(record)}`)
    const target = processOf(spec.process, command, args)
    const directory = join(container, `exec-${randomBytes(8).toString('hex')}`)
    mkdirSync(directory)
    const detach = isSet(args, 'detach')
    let kept = false
    try {
      const stdio = { terminal: target.terminal === true, stdin: !detach }
      const program = compileExec({ pid: record.pid, process: target, seccomp: spec.linux?.seccomp, layout: detectLayout(), cgroupPath: record.cgroup, directory, stdio })
      const monitor = await startProgram(program, directory)
      writePidFile(flag(args, 'pid-file'), monitor.pid)
      if (!detach) return await runInForeground(monitor, stdio.terminal, () => monitor.start())
      await monitor.start()
      monitor.close()
      kept = true
      return 0
    } catch (error) {
      throw startError(error, command[0] ?? '')
    } finally {
      if (!kept) forget(directory)
    }
  },
}

/** The container's process with what the command line changes, or a process from a file. */
function processOf(container: OciProcess | undefined, command: string[], args: Arguments): OciProcess {
  const file = flag(args, 'process')
  if (file !== undefined) return JSON.parse(readFileSync(file, 'utf8')) as OciProcess
  if (container === undefined) throw new GantryError('InvalidParameter', 'cannot exec: the container has no process')
  const user = flag(args, 'user')
  const { consoleSize: _, ...rest } = container
  return {
    ...rest,
    args: command,
    terminal: isSet(args, 'tty'),
    env: [...(container.env ?? []), ...(args.flags.get('env') ?? [])],
    cwd: flag(args, 'cwd') ?? container.cwd,
    ...(isSet(args, 'no-new-privs') ? { noNewPrivileges: true } : {}),
    ...(user === undefined ? {} : { user: userOf(user) }),
  }
}

/** UID[:GID], numbers as in runc. */
function userOf(text: string): OciProcess['user'] {
  const [, uid, gid = '0'] = /^(\d+)(?::(\d+))?$/.exec(text) ?? []
  if (uid === undefined) throw new GantryError('InvalidParameter', `invalid user ${JSON.stringify(text)}: it must be UID[:GID]`)
  return { uid: Number(uid), gid: Number(gid), additionalGids: [] }
}
