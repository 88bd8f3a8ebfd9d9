import { spawn } from 'node:child_process'
import { closeSync, read, readSync } from 'node:fs'
import { KernelError, ProgramFailure } from './failure.ts'
import { initBinaryPath } from './init-binary.ts'
import type { Kernel } from './kernel.ts'
import type { Program } from './program.ts'
import { exitCode, readWord, recordKinds, recordSize, wordOf } from './status-records.ts'
import { nr } from './syscalls.ts'

const O_CLOEXEC = 0o2000000

export interface RunProgram {
  program: Program
  /** Descriptor of the encoded program. */
  file: number
  /** How many descriptors from 3 on are handed on as they are, beside 0, 1 and 2. */
  preserved: number
}

/** What a program without a monitor has made. */
export interface ProgramRun {
  /** Host pid of the process. */
  pid: number
  /** The outer process, as long as it stays. */
  outer: number
  /** Its descriptor of a terminal's master; -1 without one. */
  terminal: number
  /** Reading end of the status channel: to be closed, or read for what comes next. */
  status: number
}

/**
 * Executes a program in a child of this process that has this process's stdio, and waits until it says `created`. When the child
 * leaves, what it made belongs to the nearest subreaper above. Blocks: for command lines, not for a daemon.
 * @throws ProgramFailure
 */
export function runProgram(kernel: Pick<Kernel, 'syscall'>, { program, file, preserved }: RunProgram): ProgramRun {
  const [status, writing] = makePipe(kernel)
  const handedOn = Array.from({ length: 3 + preserved }, (_, descriptor) => descriptor)
  const child = spawn(initBinaryPath(kernel), ['run', String(handedOn.length)], { argv0: 'gantry-init', cwd: '/', env: {}, stdio: [...handedOn, file, writing] })
  child.on('error', () => {}) // the status channel ends without a word
  child.unref()
  closeSync(writing)
  const word = readWord((buffer) => readSync(status, buffer))
  if (word?.kind === recordKinds.created) return { pid: word.a, outer: child.pid ?? 0, terminal: word.low, status }
  // At its end both processes are gone, and what they held can be removed.
  for (let last = word; last !== undefined; ) last = readWord((buffer) => readSync(status, buffer))
  closeSync(status)
  throw failureOf(word, program)
}

/** The status channel a process has until it executes: comes back when it has. @throws ProgramFailure */
export function waitUntilExecuted(status: number, program: () => Program): void {
  const word = readWord((buffer) => readSync(status, buffer))
  if (word !== undefined) throw failureOf(word, program())
}

/** Waits for the end of a process whose outer one stays. @returns its exit code @throws ProgramFailure when it never executed */
export async function waitForEnd(status: number, program: Program): Promise<number> {
  const bytes = Buffer.alloc(2 * recordSize)
  let have = 0
  while (have < bytes.length) {
    const { bytesRead } = await readLater(status, bytes, have)
    if (bytesRead === 0) break
    have += bytesRead
    const word = have < recordSize ? undefined : wordOf(bytes)
    if (word?.kind === recordKinds.failed) throw failureOf(word, program)
  }
  if (have < bytes.length) throw new Error('cannot tell how the process ended: the one that watched it was killed')
  return exitCode(bytes)
}

function readLater(descriptor: number, buffer: Buffer, offset: number): Promise<{ bytesRead: number }> {
  return new Promise((resolve, reject) => {
    read(descriptor, buffer, offset, buffer.length - offset, null, (error, bytesRead) => (error === null ? resolve({ bytesRead }) : reject(error)))
  })
}

function failureOf(word: ReturnType<typeof readWord>, { operations }: Pick<Program, 'operations'>): Error {
  if (word?.kind !== recordKinds.failed) return new Error('cannot run a syscall program: it ended without a word')
  return new ProgramFailure(operations[word.a]?.label ?? `operation ${word.a}`, word.low)
}

function makePipe(kernel: Pick<Kernel, 'syscall'>): [number, number] {
  const pair = Buffer.alloc(8)
  const result = kernel.syscall(nr('pipe2'), pair, O_CLOEXEC)
  if (result < 0) throw new KernelError('cannot make a status channel', -result)
  return [pair.readInt32LE(0), pair.readInt32LE(4)]
}
