import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from '../kernel/constants/files.ts'
import { PR_SET_DUMPABLE } from '../kernel/constants/processes.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from '../kernel/constants/sockets.ts'
import { addressOf, type Cell, type MonitorBlock } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { dropChildEnds, makePipes, openLog, type StdioPipes, type StdioPlan } from './stdio.ts'
import { receiveTerminal } from './terminal.ts'

/** What the monitor and the child share across the clone. */
export interface MonitorSide {
  block: MonitorBlock
  /** The child's end of the socket between them. */
  sync: Cell
  /** The monitor's. */
  own: Cell
  pipes: StdioPipes | undefined
}

const ENOENT = 2

/** Before the clone: directory, socket, log, pipes. */
export function prepareMonitor(builder: ProgramBuilder, directory: string, stdio: StdioPlan): MonitorSide {
  const block = builder.monitorBlock()
  builder.call('hide from tracers', 'prctl', [PR_SET_DUMPABLE, 0, 0, 0, 0])
  builder.call(`enter ${directory}`, 'chdir', [builder.string(directory)])
  listen(builder, block)
  openLog(builder, block, stdio)
  const pipes = stdio.terminal ? undefined : makePipes(builder, block, stdio)
  const [own, sync] = builder.cellPair('sync of the monitor', 'sync of the child')
  builder.call('make a socket to the child', 'socketpair', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, addressOf(own)])
  return { block, sync, own, pipes }
}

/** Has the monitor keep the last words of a file, if it is there. */
export function watchFile(builder: ProgramBuilder, { block }: Pick<MonitorSide, 'block'>, path: string): void {
  builder.call(`watch ${path}`, 'openat', [AT_FDCWD, builder.string(path), O_RDONLY | O_CLOEXEC, 0], { save: block.watched, ignore: [ENOENT] })
}

/** After the clone: lets go of what is the child's, waits for it, and stays. */
export function becomeMonitor(builder: ProgramBuilder, { block, sync, own, pipes }: MonitorSide): void {
  builder.call('close the end of the child', 'close', [sync])
  builder.copy('keep the end of the monitor', own, block.sync)
  if (pipes === undefined) {
    receiveTerminal(builder, own, block)
  } else {
    dropChildEnds(builder, pipes)
    builder.call('wait until the child is ready', 'read', [own, builder.space(1, 1), 1], { min: 1 })
  }
  builder.monitor(block)
}

/** The child's first steps. */
export function leaveMonitor(builder: ProgramBuilder, side: Pick<MonitorSide, 'own'>): void {
  closeMonitorEnd(builder, side)
  leadSession(builder)
}

/** Without the monitor's end the child notices when the monitor dies. */
export function closeMonitorEnd(builder: ProgramBuilder, { own }: Pick<MonitorSide, 'own'>): void {
  builder.call('close the end of the monitor', 'close', [own])
}

export function leadSession(builder: ProgramBuilder): void {
  builder.call('lead a session', 'setsid', [])
}

/** A relative name, as the path of a socket is at most 107 bytes. */
function listen(builder: ProgramBuilder, block: MonitorBlock): void {
  const address = Buffer.alloc(4)
  address.writeUInt16LE(AF_UNIX, 0)
  address.write('s', 2)
  builder.call('remove an old socket', 'unlinkat', [AT_FDCWD, builder.string('s'), 0], { ignore: [ENOENT] })
  builder.call('make the socket', 'socket', [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0], { save: block.listen })
  builder.call('name it s', 'bind', [block.listen, builder.bytes(address), address.length])
  builder.call('listen', 'listen', [block.listen, 64])
}
