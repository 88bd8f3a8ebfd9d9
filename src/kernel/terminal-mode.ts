import { KernelError } from './failure.ts'
import type { Kernel } from './kernel.ts'
import { nr } from './syscalls.ts'

type Calls = Pick<Kernel, 'syscall'>

const TCGETS = 0x5401
const TCSETS = 0x5402
const TIOCGWINSZ = 0x5413
const TIOCSWINSZ = 0x5414
/** IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON */
const cookedInput = 0o1 | 0o2 | 0o10 | 0o40 | 0o100 | 0o200 | 0o400 | 0o2000
const OPOST = 0o1
/** CSIZE PARENB, CS8 */
const [sizeAndParity, eightBits] = [0o60 | 0o400, 0o60]
/** ECHO ECHONL ICANON ISIG IEXTEN */
const cookedLocal = 0o10 | 0o100 | 0o2 | 0o1 | 0o100000
/** struct termios of the kernel, with room to spare. */
const termiosSize = 64

/** As cfmakeraw(3): every byte goes through, both ways. @returns what puts the terminal back */
export function makeRaw(kernel: Calls, descriptor: number): () => void {
  const before = Buffer.alloc(termiosSize)
  const result = kernel.syscall(nr('ioctl'), descriptor, TCGETS, before)
  if (result < 0) throw new KernelError('cannot read the mode of the terminal', -result)
  const raw = Buffer.from(before)
  raw.writeUInt32LE((before.readUInt32LE(0) & ~cookedInput) >>> 0, 0)
  raw.writeUInt32LE((before.readUInt32LE(4) & ~OPOST) >>> 0, 4)
  raw.writeUInt32LE(((before.readUInt32LE(8) & ~sizeAndParity) | eightBits) >>> 0, 8)
  raw.writeUInt32LE((before.readUInt32LE(12) & ~cookedLocal) >>> 0, 12)
  kernel.syscall(nr('ioctl'), descriptor, TCSETS, raw)
  return () => void kernel.syscall(nr('ioctl'), descriptor, TCSETS, before)
}

/** struct winsize; undefined when the descriptor is no terminal. */
export function windowSize(kernel: Calls, descriptor: number): Buffer | undefined {
  const size = Buffer.alloc(8)
  return kernel.syscall(nr('ioctl'), descriptor, TIOCGWINSZ, size) < 0 ? undefined : size
}

export function setWindowSize(kernel: Calls, descriptor: number, size: Buffer): void {
  kernel.syscall(nr('ioctl'), descriptor, TIOCSWINSZ, size)
}
