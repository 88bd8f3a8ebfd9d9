import { AT_FDCWD, CLOSE_RANGE_CLOEXEC, MFD_CLOEXEC, O_CLOEXEC, O_WRONLY } from '../kernel/constants/files.ts'
import { SIGKILL } from '../kernel/constants/processes.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { HookPoint } from './hooks.ts'
import { fork, waitForSuccess } from './host-tool.ts'
import { formatWithPid, jsonWithPid } from './pid-text.ts'
import type { OciHook, OciState } from './spec.ts'

const ETIMEDOUT = 110
const SEEK_SET = 0
const POLLIN = 1
const ignoredOpenErrors = [1, 2, 13]
const EBADF = 9

export interface HooksInside {
  point: HookPoint
  hooks: readonly OciHook[]
  /** Without its pid, which is this process's as its namespace numbers it. */
  state: Omit<OciState, 'pid'>
  /** What they print goes nowhere, not to the stdio of the container. */
  quiet: boolean
}

/** Runs hooks in the namespaces of the container (createContainer, startContainer). The first that fails ends the program. */
export function runHooksInside(builder: ProgramBuilder, { point, hooks, state, quiet }: HooksInside): void {
  if (hooks.length === 0) return
  const [pid, length, input] = [builder.cell('own pid'), builder.cell('length of the state'), builder.cell('state')]
  builder.call('learn the own pid', 'getpid', [], { save: pid })
  const { ociVersion, id, status, ...rest } = state
  const text = formatWithPid(builder, jsonWithPid({ ociVersion, id, status }, rest), pid, length)
  builder.call('make a file for the state', 'memfd_create', [builder.string('state'), MFD_CLOEXEC], { save: input })
  builder.call('write the state', 'write', [input, text, length])
  for (const [index, hook] of hooks.entries()) runHook(builder, `hooks.${point}[${index}] ${hook.path}`, hook, { input, quiet })
  builder.call('close the state', 'close', [input])
}

function runHook(builder: ProgramBuilder, name: string, hook: OciHook, { input, quiet }: { input: Cell; quiet: boolean }): void {
  const [pid, pidfd] = [builder.cell('hook'), builder.cell('pidfd of the hook')]
  const [child, after] = [builder.label(), builder.label()]
  builder.call('rewind the state', 'lseek', [input, 0, SEEK_SET])
  fork(builder, `fork for ${name}`, { pid, pidfd, child })
  if (hook.timeout !== undefined) limitTime(builder, name, { pid, pidfd, seconds: hook.timeout })
  builder.call('close the pidfd of the hook', 'close', [pidfd])
  waitForSuccess(builder, `run ${name}`, pid)
  builder.jump('go on', after)
  builder.place(child)
  execute(builder, name, hook, { input, quiet })
  builder.place(after)
}

function limitTime(builder: ProgramBuilder, name: string, { pid, pidfd, seconds }: { pid: Cell; pidfd: Cell; seconds: number }): void {
  const poll = Buffer.alloc(8)
  poll.writeInt16LE(POLLIN, 4)
  const polled = builder.bytes(poll)
  const ready = builder.cell('ready')
  const [late, inTime] = [builder.label(), builder.label()]
  builder.copy('wait for its pidfd', pidfd, builder.cellAt(polled, 'polled pidfd'))
  const timeout = builder.bytes(Buffer.from(BigInt64Array.of(BigInt(seconds), 0n).buffer))
  builder.call(`wait at most ${seconds} s for it`, 'ppoll', [polled, 1, timeout, null, 0], { save: ready, onZero: late })
  builder.jump('it is in time', inTime)
  builder.place(late)
  builder.call('end it', 'kill', [pid, SIGKILL])
  builder.call('wait for its end', 'wait4', [pid, null, 0, null])
  builder.fail(`run ${name} within ${seconds} s`, ETIMEDOUT)
  builder.place(inTime)
}

function execute(builder: ProgramBuilder, name: string, { path, args = [path], env = [] }: OciHook, { input, quiet }: { input: Cell; quiet: boolean }): void {
  builder.call('read the state', 'dup3', [input, 0, 0])
  builder.call('let no other descriptor through', 'close_range', [3, 0xffff_ffff, CLOSE_RANGE_CLOEXEC])
  if (quiet) {
    const output = builder.cell('null output')
    builder.call('open /dev/null', 'openat', [AT_FDCWD, builder.string('/dev/null'), O_WRONLY | O_CLOEXEC, 0], { save: output, ignore: ignoredOpenErrors })
    for (const descriptor of [1, 2]) {
      builder.call(`close descriptor ${descriptor}`, 'close', [descriptor], { ignore: [EBADF] })
      builder.call('print nowhere', 'dup3', [output, descriptor, 0], { ignore: [EBADF] })
    }
  }
  builder.call('enter /', 'chdir', [builder.string('/')])
  const argv = builder.pointers((args.length === 0 ? [path] : args).map((argument) => builder.string(argument)))
  const envp = builder.pointers(env.map((entry) => builder.string(entry)))
  builder.call(`execute the program of ${name}`, 'execve', [builder.string(path), argv, envp])
}

