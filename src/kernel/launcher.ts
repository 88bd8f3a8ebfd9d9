import { closeSync, readSync, writeSync } from 'node:fs'
import type { Kernel } from './kernel.ts'
import { nr } from './syscalls.ts'

/**
 * `gantry-init launch` (native/init.c) as the parent of this process. It is who the caller sees: it has the caller's descriptors,
 * starts the one program of this process as a child of its own, passes signals on, and leaves as soon as the exit code is known.
 */
const control = 3
/** The status channel of the program. */
const channel = 4
/** An empty file that the program is written to. */
const programFile = 5
const requests = { prepare: 1, check: 2, forward: 3, exit: 4 } as const
const recordSize = 16
const SIG_IGN = 1
const kernelSignalSetSize = 8

let present = false
let prepared = false

/** To be called first: says whether there is a launcher, and takes away what it has put into the environment. */
export function findLauncher(): void {
  present = process.env['GANTRY_LAUNCHER'] === '1'
  prepared = false
  if (!present) return
  for (const name of ['GANTRY_LAUNCHER', 'MALLOC_TOP_PAD_', 'MALLOC_MMAP_THRESHOLD_', 'GLIBC_TUNABLES']) delete process.env[name]
}

export function hasLauncher(): boolean {
  return present
}

/** The first descriptor from 3 to `end` - 1 that the caller has not open; undefined when all are. */
export function firstClosed(end: number): number | undefined {
  ask(requests.check, end)
  const answer = Buffer.alloc(recordSize)
  readSync(control, answer)
  const descriptor = answer.readInt32LE(4)
  return descriptor < 0 ? undefined : descriptor
}

/** Starts the process that will execute the program, with the caller's descriptors below `end`: the earlier, the less there is to wait for. */
export function prepareLaunch(end: number): void {
  if (!present || prepared) return
  prepared = true
  ask(requests.prepare, end)
}

/** Has it execute the program. @returns the reading end of the status channel */
export function launchPrepared(program: Uint8Array): number {
  for (let done = 0; done < program.length; ) done += writeSync(programFile, program, done)
  closeSync(programFile)
  writeSync(channel, '+')
  return channel
}

/** From now on signals to the launcher go to `pid`. Those that a whole process group gets must not end this process. */
export function forwardSignals(kernel: Pick<Kernel, 'syscall'>, pid: number, signals: readonly number[]): void {
  const ignore = Buffer.alloc(32)
  ignore.writeBigUInt64LE(BigInt(SIG_IGN), 0)
  for (const signal of signals) kernel.syscall(nr('rt_sigaction'), signal, ignore, null, kernelSignalSetSize)
  ask(requests.forward, pid)
}

/** Ends this process. With a launcher its caller goes on at once, and does not wait until a heap has been torn down. */
export function leave(code: number): void {
  if (present) process.once('exit', () => letGo(code)) // the last of those who listen for that
  process.exit(code)
}

function letGo(code: number): void {
  // Callers read these to their end.
  for (const descriptor of [0, 1, 2]) closeSync(descriptor)
  ask(requests.exit, code)
}

function ask(kind: number, a: number): void {
  const record = Buffer.alloc(recordSize)
  record.writeUInt32LE(kind, 0)
  record.writeInt32LE(a, 4)
  writeSync(control, record)
}
