import { AT_EMPTY_PATH, O_CLOEXEC, O_NOCTTY, O_RDWR, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS } from '../kernel/constants/files.ts'
import { OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE } from '../kernel/constants/mounts.ts'
import { MSG_CMSG_CLOEXEC, TIOCGPTPEER, TIOCSCTTY, TIOCSPTLCK, TIOCSWINSZ } from '../kernel/constants/sockets.ts'
import type { Cell, MonitorBlock } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { descriptorMessage, type DescriptorMessage } from './descriptor-message.ts'
import { attachTree } from './mounts/bind.ts'
import { openTarget } from './mounts/target.ts'
import { openPath } from './paths.ts'
import type { OciProcess } from './spec.ts'

/** A pseudo-terminal of the container's own devpts. */
export interface Terminal {
  slave: Cell
  /** Carries the master to the monitor. */
  message: DescriptorMessage
}

/** Opens a new pair below `root`, which is the container's root or AT_FDCWD once inside. */
export function openTerminal(builder: ProgramBuilder, root: Cell | number, size: OciProcess['consoleSize']): Terminal {
  const message = descriptorMessage(builder, 'terminal master')
  const slave = builder.cell('terminal')
  const open = { directory: root, path: '/dev/pts/ptmx', flags: O_RDWR | O_NOCTTY | O_CLOEXEC, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS }
  openPath(builder, 'open a terminal', open, { save: message.descriptor })
  builder.call('unlock the terminal', 'ioctl', [message.descriptor, TIOCSPTLCK, builder.space(4, 4)])
  builder.call('open its other side', 'ioctl', [message.descriptor, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC], { save: slave })
  if (size !== undefined) {
    const window = builder.bytes(Buffer.from(Uint16Array.of(size.height, size.width, 0, 0).buffer))
    builder.call(`size the terminal ${size.width}x${size.height}`, 'ioctl', [slave, TIOCSWINSZ, window])
  }
  return { slave, message }
}

/** /dev/console is the container's terminal. */
export function bindConsole(builder: ProgramBuilder, root: Cell, { slave }: Terminal): void {
  const [tree, target] = [builder.cell('console'), builder.cell('target /dev/console')]
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH
  builder.call('copy the terminal', 'open_tree', [slave, builder.string(''), flags], { save: tree })
  openTarget(builder, { root, path: '/dev/console', kind: 'file', save: target })
  attachTree(builder, 'bind the terminal to /dev/console', tree, target)
}

/** In the child, a session leader: its controlling terminal. */
export function takeTerminal(builder: ProgramBuilder, terminal: Cell | number): void {
  builder.call('take the terminal', 'ioctl', [terminal, TIOCSCTTY, 0])
}

/** In the child: descriptors 0, 1, 2. */
export function connectTerminal(builder: ProgramBuilder, { slave }: Terminal, uid: number): void {
  for (const descriptor of [0, 1, 2]) builder.call(`connect descriptor ${descriptor} to the terminal`, 'dup3', [slave, descriptor, 0])
  if (uid !== 0) builder.call(`give the terminal to user ${uid}`, 'fchown', [0, uid, -1])
}

/** In the monitor: waits for the child's word that it is ready, which brings the master along. */
export function receiveTerminal(builder: ProgramBuilder, sync: Cell, block: MonitorBlock): void {
  const { message, descriptor } = descriptorMessage(builder, 'received terminal')
  builder.call('wait until the child is ready', 'recvmsg', [sync, message, MSG_CMSG_CLOEXEC], { min: 1 })
  builder.copy('keep the terminal', descriptor, block.terminal)
}

export function sendTerminal(builder: ProgramBuilder, sync: Cell, { message }: Terminal): void {
  builder.call('say ready and send the terminal', 'sendmsg', [sync, message.message, 0], { min: 1 })
}

