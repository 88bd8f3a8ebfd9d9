import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, readFileSync, readSync } from 'node:fs'
import { GantryError } from '../../lib/errors.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_SEQPACKET, SOCK_STREAM } from '../constants/sockets.ts'
import { receiveMessage, type ReceivedMessage } from '../descriptor-passing.ts'
import { KernelError, ProgramFailure } from '../failure.ts'
import { findExecutable, pathDirectories } from '../find-executable.ts'
import { initBinaryPath } from '../init-binary.ts'
import type { Kernel } from '../kernel.ts'
import { memoryFile } from '../memory-file.ts'
import { encodeProgram } from '../program-codec.ts'
import { takeDescriptor } from '../process-descriptor.ts'
import type { Program } from '../program.ts'
import { readWord } from '../status-records.ts'
import { nr } from '../syscalls.ts'
import { criuRequest, criuResponse, requestTypes, type CriuRequest, type CriuResponse } from './messages.ts'

/** A criu that does one thing for this process, over a socket that nobody else has. */
export interface CriuWorker {
  readonly pid: number
  /** What it said before it had a log. */
  readonly stderr: () => string
  /** Waits for the answer. What criu says meanwhile goes to `notified`; criu waits until that is through. */
  ask(request: CriuRequest, notified?: (event: CriuEvent) => void | Promise<void>): Promise<CriuResponse>
  /** Closes the socket and waits until it has ended; its words are complete then. May be called again. */
  end(): Promise<void>
}

export interface CriuEvent {
  /** "pre-dump", "setup-namespaces", "post-restore", "orphan-pts-master" … (https://criu.org/Action_scripts) */
  script: string
  pid: number
  descriptor?: number
}

export interface StartCriu {
  /** Ends with the execution of criu; without one it is executed as it is. */
  program?: Program
  /** What criu's standard input and output are; nothing unless told. */
  stdio?: readonly [number, number]
  /** Its descriptors from 4 on. */
  descriptors?: readonly number[]
}

/** criu's descriptor of the socket. */
const channel = 3
/** criu's first descriptor of `StartCriu.descriptors`. */
export const firstGiven = channel + 1
/** Where a program leaves what criu is to have: `peer` is the other end of the socket on `channel`, which it has to make itself. */
export const programLeaves = { channel, images: 64, work: 65, peer: 66 } as const
export const criuArguments = ['criu', 'swrk', String(channel)] as const

/** @throws GantryError Unavailable */
export function findCriu(act: string): string {
  const file = findProgram('criu')
  if (file === undefined) throw new GantryError('Unavailable', `cannot ${act} a container: criu is not installed`)
  return file
}

/** In PATH, and where the system's tools are: callers of a runtime may have a user's PATH. */
export function findProgram(name: string): string | undefined {
  return findExecutable(name, searchPath())
}

/** criu runs ip, tar and iptables-restore. */
export function criuEnvironment(): Record<string, string> {
  const home = process.env['HOME']
  return { PATH: searchPath().join(':'), ...(home === undefined ? {} : { HOME: home }) }
}

function searchPath(): string[] {
  return [...new Set([...pathDirectories(), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'])]
}

/** @throws KernelError, ProgramFailure */
export function startCriu(kernel: Pick<Kernel, 'syscall'>, { program, stdio, descriptors = [] }: StartCriu): CriuWorker {
  const given = [stdio?.[0] ?? 'ignore', stdio?.[1] ?? 'ignore', 'pipe'] as const
  const { child, own } = program === undefined ? spawnCriu(kernel, given) : execute(kernel, program, [...given, 'ignore', ...descriptors])
  child.on('error', () => {}) // its socket ends without a word
  const through = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()))
  // What it restored may hold the other end of its standard error.
  const ended = Promise.race([through, new Promise<void>((resolve) => child.once('exit', () => setTimeout(resolve, lastWords)))])
  const errors: Buffer[] = []
  let closed = false
  child.stderr?.on('data', (bytes: Buffer) => errors.push(bytes))
  const say = (request: CriuRequest): void => {
    const bytes = criuRequest.encode(request as never)
    // One that has ended is noticed by its silence.
    if (own !== undefined) kernel.syscall(nr('sendto'), own, bytes, bytes.length, MSG_NOSIGNAL, null, 0)
  }
  return {
    pid: child.pid ?? 0,
    stderr: () => Buffer.concat(errors).toString(),
    async ask(request, notified = () => {}) {
      say(request)
      for (;;) {
        const { bytes, descriptor }: ReceivedMessage = own === undefined ? { bytes: Buffer.alloc(0) } : receive(kernel, own)
        // Without a word: what it wrote to its standard error says why.
        if (bytes.length === 0) return criuResponse.decode(new Uint8Array(0))
        const response = criuResponse.decode(bytes)
        if (response.type !== requestTypes.notify) return response
        const { script = '', pid = 0 } = response.notify ?? {}
        try {
          await notified({ script, pid, ...(descriptor === undefined ? {} : { descriptor }) })
        } catch (error) {
          say({ type: requestTypes.notify, notify_success: false })
          throw error
        }
        say({ type: requestTypes.notify, notify_success: true })
      }
    },
    async end() {
      if (!closed && own !== undefined) closeSync(own)
      closed = true
      await ended
    },
  }
}

const MSG_NOSIGNAL = 0x4000
/** Milliseconds for what criu has written to be read. */
const lastWords = 100

type Given = readonly (number | 'ignore' | 'pipe')[]

interface Begun {
  child: ChildProcess
  /** This end of its socket; undefined where it has ended already. */
  own: number | undefined
}

function receive(kernel: Pick<Kernel, 'syscall'>, socket: number): ReceivedMessage {
  try {
    return receiveMessage(kernel, socket)
  } catch (error) {
    // It left without reading what it was sent.
    if (error instanceof KernelError && error.code === 'ECONNRESET') return { bytes: Buffer.alloc(0) }
    throw error
  }
}

function spawnCriu(kernel: Pick<Kernel, 'syscall'>, given: Given): Begun {
  const [own, theirs] = pairOf(kernel, SOCK_SEQPACKET)
  const child = spawn(findProgram(criuArguments[0]) ?? criuArguments[0], criuArguments.slice(1), { stdio: [...given, theirs], cwd: '/', env: criuEnvironment() })
  closeSync(theirs)
  return { child, own }
}

/**
 * By way of `gantry-init run`; comes back when criu is what runs. criu opens directories among the descriptors of whoever made its socket,
 * and can mount only in directories of its own mount namespace: so it is the program that makes the socket, and opens them.
 */
function execute(kernel: Pick<Kernel, 'syscall'>, program: Program, given: Given): Begun {
  const file = memoryFile(kernel, 'gantry-program', encodeProgram(program))
  const [status, theirs] = pairOf(kernel, SOCK_STREAM)
  const child = spawn(initBinaryPath(kernel), ['run', String(given.length)], { argv0: 'gantry-init', cwd: '/', env: {}, stdio: [...given, file, theirs] })
  closeSync(file)
  closeSync(theirs)
  try {
    const word = readWord((buffer) => readSync(status, buffer))
    if (word !== undefined) throw new ProgramFailure(program.operations[word.a]?.label ?? `operation ${word.a}`, word.low)
  } finally {
    closeSync(status)
  }
  try {
    return { child, own: takeDescriptor(kernel, child.pid ?? 0, programLeaves.peer) }
  } catch (error) {
    // The kernel takes its descriptors away before it shows that it ends.
    if ((error instanceof KernelError && error.code === 'ESRCH') || isGone(child)) return { child, own: undefined }
    throw error
  }
}

/** Node learns of an end later than the kernel. */
function isGone({ pid = 0 }: ChildProcess): boolean {
  try {
    return /^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return true
  }
}

function pairOf(kernel: Pick<Kernel, 'syscall'>, type: number): [number, number] {
  const pair = Buffer.alloc(8)
  const result = kernel.syscall(nr('socketpair'), AF_UNIX, type | SOCK_CLOEXEC, 0, pair)
  if (result < 0) throw new KernelError('cannot make a pair of sockets', -result)
  return [pair.readInt32LE(0), pair.readInt32LE(4)]
}
