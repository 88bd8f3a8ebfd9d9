import { spawn } from 'node:child_process'
import { closeSync, read, readSync, writeSync } from 'node:fs'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from './constants/sockets.ts'
import { KernelError, ProgramFailure } from './failure.ts'
import { initBinaryPath } from './init-binary.ts'
import type { Kernel } from './kernel.ts'
import { hasLauncher, launchPrepared, prepareLaunch } from './launcher.ts'
import { memoryFile } from './memory-file.ts'
import type { Program } from './program.ts'
import { exitCode, readWord, recordKinds, recordSize, wordOf, type StatusWord } from './status-records.ts'
import { nr } from './syscalls.ts'

const SHUT_WR = 1

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
export function runProgram(kernel: Pick<Kernel, 'syscall'>, options: RunProgram): ProgramRun {
  const begun = spawnProgram(kernel, options)
  return created(readWord((buffer) => readSync(begun.status, buffer)), begun)
}

function spawnProgram(kernel: Pick<Kernel, 'syscall'>, { program, file, preserved }: RunProgram): BegunProgram {
  const [status, theirs] = makeChannel(kernel)
  const handedOn = Array.from({ length: 3 + preserved }, (_, descriptor) => descriptor)
  const child = spawn(initBinaryPath(kernel), ['run', String(handedOn.length)], { argv0: 'gantry-init', cwd: '/', env: {}, stdio: [...handedOn, file, theirs] })
  child.on('error', () => {}) // the status channel ends without a word
  child.unref()
  closeSync(theirs)
  return { program, status, outer: child.pid ?? 0 }
}

export interface LaunchProgram extends Omit<RunProgram, 'file'> {
  encoded: Uint8Array
  /** Is done while the program runs. */
  meanwhile?: () => void
  /** Is done when the program says `prepared`. */
  prepared?: (pid: number) => Promise<void>
}

/**
 * As `runProgram`, by way of the launcher if there is one. For the one program that this process is about.
 * @throws ProgramFailure, or what `prepared` throws: the program has failed too then
 */
export async function launchProgram(kernel: Pick<Kernel, 'syscall'>, options: LaunchProgram): Promise<ProgramRun> {
  const { program, status, outer } = begin(kernel, options)
  const read = (): StatusWord | undefined => readWord((buffer) => readSync(status, buffer))
  let word = read()
  if (word?.kind === recordKinds.prepared) {
    try {
      await options.prepared?.(word.a)
    } catch (error) {
      shutDown(kernel, status)
      while (read() !== undefined);
      closeSync(status)
      throw error
    }
    writeSync(status, '+')
    word = read()
  }
  return created(word, { status, program, ...(outer === undefined ? {} : { outer }) })
}

interface BegunProgram {
  program: Program
  status: number
  outer?: number
}

function begin(kernel: Pick<Kernel, 'syscall'>, { program, encoded, preserved, meanwhile = () => {} }: LaunchProgram): BegunProgram {
  if (hasLauncher()) {
    prepareLaunch(3 + preserved)
    const status = launchPrepared(encoded)
    meanwhile()
    return { program, status }
  }
  meanwhile()
  const file = memoryFile(kernel, 'gantry-program', encoded)
  try {
    return spawnProgram(kernel, { program, file, preserved })
  } finally {
    closeSync(file)
  }
}

/** @throws ProgramFailure for any word but `created` */
function created(word: StatusWord | undefined, { status, program, outer }: BegunProgram): ProgramRun {
  if (word?.kind === recordKinds.created) return { pid: word.a, outer: outer ?? word.high, terminal: word.low, status }
  // At its end both processes are gone, and what they held can be removed.
  for (let last = word; last !== undefined; ) last = readWord((buffer) => readSync(status, buffer))
  closeSync(status)
  throw failureOf(word, program)
}

/** Tells the program that nothing will come, and leaves room for what it has to say about that. */
function shutDown(kernel: Pick<Kernel, 'syscall'>, status: number): void {
  kernel.syscall(nr('shutdown'), status, SHUT_WR)
}

/** The status channel a process has until it executes: comes back when it has. @throws ProgramFailure */
export function waitUntilExecuted(status: number, program: () => Program): void {
  const word = readWord((buffer) => readSync(status, buffer))
  if (word !== undefined) throw failureOf(word, program())
}

/** Waits for the end of a process whose outer one stays; blocks where there is nothing else to do (`idle`). @returns its exit code @throws ProgramFailure when it never executed */
export async function waitForEnd(status: number, program: Program, idle: boolean): Promise<number> {
  const bytes = Buffer.alloc(2 * recordSize)
  let have = 0
  while (have < bytes.length) {
    const bytesRead = idle ? readSync(status, bytes, have, bytes.length - have, null) : await readLater(status, bytes, have)
    if (bytesRead === 0) break
    have += bytesRead
    const word = have < recordSize ? undefined : wordOf(bytes)
    if (word?.kind === recordKinds.failed) throw failureOf(word, program)
  }
  if (have < bytes.length) throw new Error('cannot tell how the process ended: the one that watched it was killed')
  return exitCode(bytes)
}

function readLater(descriptor: number, buffer: Buffer, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, buffer, offset, buffer.length - offset, null, (error, bytesRead) => (error === null ? resolve(bytesRead) : reject(error)))
  })
}

function failureOf(word: ReturnType<typeof readWord>, { operations }: Pick<Program, 'operations'>): Error {
  if (word?.kind !== recordKinds.failed) return new Error('cannot run a syscall program: it ended without a word')
  return new ProgramFailure(operations[word.a]?.label ?? `operation ${word.a}`, word.low)
}

/** A pair of sockets: the program may have to be told something. */
function makeChannel(kernel: Pick<Kernel, 'syscall'>): [number, number] {
  const pair = Buffer.alloc(8)
  const result = kernel.syscall(nr('socketpair'), AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)
  if (result < 0) throw new KernelError('cannot make a status channel', -result)
  return [pair.readInt32LE(0), pair.readInt32LE(4)]
}
