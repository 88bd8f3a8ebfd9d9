import { AT_FDCWD, O_APPEND, O_CLOEXEC, O_CREAT, O_NOCTTY, O_RDWR, O_WRONLY } from '../kernel/constants/files.ts'
import { addressOf, offsetBy, type Cell, type MonitorBlock } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { encodeLogRules, logRulesLayout, type LogRules } from '../shim/log-rules.ts'
import { openPath } from './paths.ts'

export interface StdioPlan {
  /** One terminal in place of three pipes. */
  terminal: boolean
  /** Keep standard input open; else it is /dev/null. A terminal always has input. */
  stdin: boolean
  /** Host path of the log; appended to. */
  logPath?: string
  /** Without them one json-file log without an end. */
  logRules?: LogRules
}

/** The child's ends of its pipes; without one, /dev/null. */
export interface StdioPipes {
  stdin?: Cell
  stdout: Cell
  stderr: Cell
}

/** Opens the log that the monitor appends to. */
export function openLog(builder: ProgramBuilder, block: MonitorBlock, { logPath, logRules }: StdioPlan): void {
  if (logPath === undefined) return
  if (logRules !== undefined) {
    const rules = builder.bytes(encodeLogRules(logRules))
    builder.pointerAt(offsetBy(rules, logRulesLayout.path), builder.string(logPath))
    builder.pointerAt(offsetBy(rules, logRulesLayout.attributes), builder.string(logRules.attributes))
    builder.pointerAt(block.rules, rules)
  }
  const flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC
  builder.call('open the log', 'openat', [AT_FDCWD, builder.string(logPath), flags, 0o640], { save: block.log })
}

/** Pipes between the child and the monitor: both sides, before the clone. */
export function makePipes(builder: ProgramBuilder, block: MonitorBlock, { stdin }: StdioPlan): StdioPipes {
  const pipes: StdioPipes = { stdout: makeOutput(builder, 'stdout', block.stdout), stderr: makeOutput(builder, 'stderr', block.stderr) }
  if (stdin) {
    const [read, write] = builder.cellPair('stdin of the child', 'stdin of the monitor')
    builder.call('make the stdin pipe', 'pipe2', [addressOf(read), O_CLOEXEC])
    builder.copy("keep the monitor's end of stdin", write, block.stdin)
    pipes.stdin = read
  }
  return pipes
}

/** In the monitor, after the clone: the end of a pipe shows only when nobody else holds its other end. */
export function dropChildEnds(builder: ProgramBuilder, pipes: StdioPipes): void {
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    const end = pipes[name]
    if (end !== undefined) builder.call(`close the child's end of ${name}`, 'close', [end])
  }
}

/** In the outer process: a user namespace has no right over what belongs to root outside. */
export function giveStdio(builder: ProgramBuilder, { pipes = {} }: { pipes: Partial<StdioPipes> | undefined }, uid: number | undefined): void {
  if (uid === undefined) return
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    const end = pipes[name]
    if (end !== undefined) builder.call(`give ${name} to user ${uid} of the host`, 'fchown', [end, uid, -1])
  }
}

/** In the child: descriptors 0, 1 and 2, owned by the user so that /dev/stdout can be opened again. */
export function connectStdio(builder: ProgramBuilder, pipes: StdioPipes, uid: number): void {
  if (pipes.stdin === undefined) {
    // The container's own null device: through the host's one its root could change the host's mode bits.
    const file = builder.cell('null input')
    // Its name may be a symlink by now: not out of the root, and not to a descriptor of this process.
    openPath(builder, 'open /dev/null', { directory: AT_FDCWD, path: '/dev/null', flags: O_RDWR | O_NOCTTY | O_CLOEXEC }, { save: file })
    builder.call('connect stdin', 'dup3', [file, 0, 0])
  } else {
    builder.call('connect stdin', 'dup3', [pipes.stdin, 0, 0])
  }
  builder.call('connect stdout', 'dup3', [pipes.stdout, 1, 0])
  builder.call('connect stderr', 'dup3', [pipes.stderr, 2, 0])
  if (uid === 0) return
  for (const descriptor of pipes.stdin === undefined ? [1, 2] : [0, 1, 2]) {
    builder.call(`give descriptor ${descriptor} to user ${uid}`, 'fchown', [descriptor, uid, -1])
  }
}

function makeOutput(builder: ProgramBuilder, name: string, monitorEnd: Cell): Cell {
  const [read, write] = builder.cellPair(`${name} of the monitor`, `${name} of the child`)
  builder.call(`make the ${name} pipe`, 'pipe2', [addressOf(read), O_CLOEXEC])
  builder.copy(`keep the monitor's end of ${name}`, read, monitorEnd)
  return write
}
