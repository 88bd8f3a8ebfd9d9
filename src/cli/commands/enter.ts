import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { EngineError } from '../client/engine-error.ts'
import type { CliContext, Command } from '../command.ts'
import { namespaceFlags, nsenterCommand, type NamespaceKind } from '../enter/nsenter.ts'
import { recordedProcess } from '../enter/recorded-process.ts'
import { ExitError } from '../exit-error.ts'
import { programName } from '../program.ts'

/** How long an engine may take to answer before its files are read instead, milliseconds. */
const patience = 1000
const usualDataRoot = '/var/lib/gantry'
const kinds = Object.keys(namespaceFlags) as NamespaceKind[]

export const enterCommand: Command = {
  path: 'enter',
  usage: ['[OPTIONS] CONTAINER [COMMAND] [ARG...]'],
  summary: "Run a command of this host's root in a container's namespaces, also while the engine does not answer",
  flags: [
    ...kinds.map((kind) => ({ name: kind, short: namespaceFlags[kind], kind: 'boolean', help: `Enter the ${kind} namespace; without any such flag all are entered` }) as const),
    { name: 'host-tools', kind: 'boolean', help: 'Keep the files of the host: its programs, in the other namespaces of the container' },
    { name: 'data-root', kind: 'string', shownDefault: usualDataRoot, help: 'Where the engine keeps its state, for when it does not answer' },
  ],
  args: { min: 1, max: Infinity },
  interspersed: false,
  async run(context, { flags, args: [ref = '', ...command] }) {
    const pid = await firstProcess(context, ref, flags.string('data-root', usualDataRoot))
    const hostTools = flags.boolean('host-tools')
    const chosen = kinds.filter((kind) => flags.boolean(kind))
    if (hostTools && chosen.includes('mount')) throw new ExitError('cannot enter the mount namespace with --host-tools: the tools are outside of it', 125)
    const isInside = !hostTools && (chosen.length === 0 || chosen.includes('mount'))
    const shell = isInside ? '/bin/sh' : (context.env['SHELL'] ?? '/bin/sh')
    if (isInside && command.length === 0 && !existsSync(`/proc/${pid}/root${shell}`)) {
      throw new ExitError(`the container has no ${shell}; try '${programName} enter --host-tools ${ref}' or name one of its programs`, 127)
    }
    const env = isInside ? { ...environmentOf(pid), ...(context.env['TERM'] !== undefined && { TERM: context.env['TERM'] }) } : context.env
    return await run(nsenterCommand({ pid, kinds: chosen, hostTools, command: command.length > 0 ? command : [shell] }), env)
  },
}

type State = { Running: boolean; Pid: number }

/** The engine knows best; one that hangs or is gone is not waited for. */
async function firstProcess({ client }: CliContext, ref: string, dataRoot: string): Promise<number> {
  const state = await askedWithin(patience, client.json<{ State: State }>('GET', `/containers/${encodeURIComponent(ref)}/json`))
  client.close()
  if (state === undefined) return recordedProcess(dataRoot, ref)
  if (!state.Running) throw new ExitError(`container ${ref} is not running`)
  return state.Pid
}

/** @throws EngineError what the engine says; undefined when there is no answer */
async function askedWithin(milliseconds: number, asked: Promise<{ State: State }>): Promise<State | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), milliseconds)
  try {
    return (await Promise.race([asked, late]))?.State
  } catch (error) {
    if (error instanceof EngineError) throw error
    return undefined
  } finally {
    clearTimeout(timer)
    asked.catch(() => {}) // it fails when the connection is closed
  }
}

function environmentOf(pid: number): NodeJS.ProcessEnv {
  try {
    const words = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter((word) => word.includes('='))
    return Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))
  } catch (cause) {
    throw new ExitError(`cannot look at process ${pid}: ${(cause as NodeJS.ErrnoException).code === 'EACCES' ? 'that takes root on the host of the engine' : (cause as Error).message}`, 126, { cause })
  }
}

async function run([program = '', ...args]: string[], env: NodeJS.ProcessEnv): Promise<number> {
  // Its own PATH finds nsenter; what is run inside is looked up in the container's.
  const child = spawn(findTool(program), args, { stdio: 'inherit', env: { ...env, PATH: env['PATH'] ?? standardPath } })
  process.on('SIGINT', ignore) // a terminal sends it to both
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return code ?? 128 + constants.signals[signal!]
  } catch (cause) {
    throw new ExitError(`cannot run ${program}: ${(cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not there (package util-linux)' : (cause as Error).message}`, 127, { cause })
  } finally {
    process.off('SIGINT', ignore)
  }
}

const standardPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

function findTool(program: string): string {
  const places = [...(process.env['PATH'] ?? '').split(':'), ...standardPath.split(':')]
  return places.map((place) => `${place}/${program}`).find((path) => path.startsWith('/') && existsSync(path)) ?? program
}

function ignore(): void {}
