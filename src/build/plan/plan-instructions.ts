import { DockerfileError } from '../dockerfile/dockerfile-error.ts'
import type { Stage } from '../dockerfile/dockerfile.ts'
import { expandWord, type Expansion } from '../dockerfile/expand.ts'
import type { ArgInstruction, CopyInstruction, Instruction, RunInstruction, WordInstruction } from '../dockerfile/instruction.ts'
import { parseLine } from '../dockerfile/parse-instruction.ts'
import { configure, wholeCommand, wordsOf } from './configure.ts'
import type { Words } from './configure.ts'
import type { Image } from '../../containerd/images/contract.ts'
import type { CopyStep, Platform, RunStepPlan, Step } from './contract.ts'
import { copySources } from './copy-sources.ts'
import { absolute, destinationPath } from './paths.ts'
import type { Planner } from './plan.ts'
import { readRunMount } from './run-mount.ts'
import { platformArgs, proxyArgs } from './scope.ts'
import type { StageState } from './stage-state.ts'
import type { StepNames } from './step-names.ts'

interface Place {
  planner: Planner
  stage: Stage
  state: StageState
  names: StepNames
  words: Words
  ignoreCache: boolean
}

/** Plans the triggers of the base image, then the stage's own instructions, in order. */
export async function planInstructions(planner: Planner, { stage, state, names, triggers }: { stage: Stage; state: StageState; names: StepNames; triggers: readonly string[] }): Promise<void> {
  const { noCache } = planner.options.request
  const ignoreCache = noCache === true || (noCache !== false && (noCache.length === 0 || noCache.some((name) => name.toLowerCase() === stage.name)))
  const inherited = triggers.map((trigger) => parseLine(trigger, stage.from.start))
  for (const instruction of [...inherited, ...stage.instructions]) {
    const words = wordsOf(state, { escape: planner.dockerfile.escape, line: instruction.start, ...(planner.options.unset && { unset: planner.options.unset }) })
    await planOne({ planner, stage, state, names, words, ignoreCache }, instruction)
  }
}

async function planOne(place: Place, instruction: Instruction): Promise<void> {
  const { state, words } = place
  switch (instruction.kind) {
    case 'from':
      return
    case 'arg':
      return declareArgs(place, instruction)
    case 'run':
      return await planRun(place, instruction)
    case 'copy':
    case 'add':
      return await planCopy(place, instruction)
    case 'workdir':
      return planDirectory(place, instruction as WordInstruction)
    default: {
      const text = configure(state, instruction, words)
      if (text !== undefined) state.history.push({ created_by: text, comment: 'buildkit.dockerfile.v0' })
    }
  }
}

function declareArgs({ planner, state, words }: Place, { args }: ArgInstruction): void {
  const { request, own, platform } = planner.options
  const globals = planner.globalVariables(platform)
  const automatic = platformArgs({ build: own, target: platform, stage: request.target || 'default' })
  // Within one instruction a name keeps the value that it had before it.
  const results = args.map(({ name, value }) => ({ name, value: request.buildArgs[name] ?? (value === undefined ? (globals.get(name) ?? automatic[name]) : words.one(value)) }))
  for (const { name, value } of results) state.scope.declare(name, value)
  state.history.push({ created_by: `ARG ${results.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`)).join(' ')}`, comment: 'buildkit.dockerfile.v0' })
}

async function planRun(place: Place, instruction: RunInstruction): Promise<void> {
  const { planner, stage, state, names, words, ignoreCache } = place
  const { start, end } = instruction
  const { request } = planner.options
  const cwd = state.config.WorkingDir || '/'
  const mounts: RunStepPlan['mounts'] = []
  for (const text of instruction.mounts) {
    const from = async (name: string | undefined): Promise<Step> => (name === undefined ? planner.context() : await planner.from(name, { before: stage.index, line: start, platform: state.platform }))
    mounts.push(await readRunMount(words.one(text), { cwd, line: start, from }))
  }
  const network = words.one(instruction.network ?? '') || 'default'
  if (network !== 'default' && network !== 'none' && network !== 'host') throw new DockerfileError(`unsupported network mode ${JSON.stringify(network)}`, start)
  if (network === 'host' && !request.entitlements.includes('network.host')) throw new DockerfileError('network.host is not allowed: give --allow network.host', start)
  const security = words.one(instruction.security ?? '') || 'sandbox'
  if (security !== 'sandbox' && security !== 'insecure') throw new DockerfileError(`security ${JSON.stringify(security)} is not valid`, start)
  if (security === 'insecure' && !request.entitlements.includes('security.insecure')) throw new DockerfileError('security.insecure is not allowed: give --allow security.insecure', start)
  const { argv, script } = runCommand(state, instruction)
  const args = state.scope.argList()
  const shown = shownText(`RUN ${runText(instruction)}`, place, { keepQuotes: true, keepUnset: true })
  const step: RunStepPlan = {
    kind: 'run',
    parent: state.root,
    argv,
    env: [...state.scope.envList(), ...args],
    proxy: proxyArgs(request.buildArgs),
    cwd,
    user: state.config.User ?? '',
    network,
    privileged: security === 'insecure',
    platform: state.base === undefined ? state.platform : platformOf(state.base),
    mounts,
    lines: { start, end },
    ignoreCache,
    ...(script === undefined ? {} : { script }),
    ...names.next(shown),
  }
  state.root = step
  const visible = state.scope.shownArgs().filter((arg) => !step.proxy.includes(arg))
  const prefix = visible.length > 0 ? `|${visible.length} ${visible.join(' ')} ` : ''
  const created = script === undefined ? argv : wholeCommand(state, { form: 'shell', line: argv.join(' ') })
  state.history.push({ created_by: `RUN ${prefix}${created.join(' ')} # buildkit`, comment: 'buildkit.dockerfile.v0', step })
}

function platformOf({ os, architecture, variant }: Image): Platform {
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

/** One heredoc alone is the script; beside a command the heredocs are the shell's own. */
function runCommand(state: StageState, { command, heredocs }: RunInstruction): { argv: string[]; script?: string } {
  const [first] = heredocs
  if (command.form === 'exec' || first === undefined) return { argv: wholeCommand(state, command) }
  if (!isScript({ command, heredocs })) {
    const bodies = heredocs.map(({ name, content }) => `${content}${name}\n`).join('')
    return { argv: wholeCommand(state, { form: 'shell', line: `${command.line}\n${bodies}` }) }
  }
  // The kernel runs what begins with "#!"; it has to be a file for that.
  if (first.content.startsWith('#!')) return { argv: [`/dev/pipes/${first.name}`], script: first.content }
  return { argv: wholeCommand(state, { form: 'shell', line: first.content }) }
}

function isScript({ command, heredocs }: Pick<RunInstruction, 'command' | 'heredocs'>): boolean {
  return command.form === 'shell' && heredocs.length === 1 && /^\d*<<-?\S+$/.test(command.line.trim())
}

/** As it is written, flags and all; a script by its first line. */
function runText(instruction: RunInstruction): string {
  const { command, heredocs, original } = instruction
  if (command.form === 'exec' || !isScript(instruction)) return original.replace(/^\S+\s*/, '')
  const [line = ''] = (heredocs[0]?.content ?? '').split('\n')
  return `${command.line} (${line}${(heredocs[0]?.content ?? '').trimEnd().includes('\n') ? '...' : ''})`
}

async function planCopy(place: Place, instruction: CopyInstruction): Promise<void> {
  const { planner, stage, state, names, words, ignoreCache } = place
  const { kind, start, end } = instruction
  const cwd = state.config.WorkingDir || '/'
  const fromName = instruction.from === undefined ? undefined : words.one(instruction.from)
  const from = async (): Promise<Step> => (fromName === undefined ? planner.context() : await planner.from(fromName, { before: stage.index, line: start, platform: state.platform }))
  const asked = words.one(instruction.destination)
  const { sources, several } = await copySources(instruction, { words, from })
  const destination = destinationPath(cwd, asked)
  const needsDirectory = several && !/(^|\/)\.?$/.test(asked)
  if (needsDirectory) throw new DockerfileError(`When using ${kind.toUpperCase()} with more than one source file, the destination must be a directory and end with a /`, start)
  const chmod = instruction.chmod === undefined ? undefined : words.one(instruction.chmod)
  if (chmod !== undefined && !/^(?:0?[0-7]{1,4}|(?:[ugoa]*[-+=][rwxXst]*,?)+)$/.test(chmod)) throw new DockerfileError(`invalid chmod parameter: '${chmod}'. it should be octal string and between 0 and 07777`, start)
  const shown = shownText(instruction.original.replace(/^\S+/, (word) => word.toUpperCase()), place, {})
  const step: CopyStep = {
    kind: 'copy',
    parent: state.root,
    link: instruction.link,
    destination,
    sources,
    chown: instruction.chown === undefined ? '' : words.one(instruction.chown),
    parents: instruction.parents,
    excludes: instruction.excludes.map((pattern) => words.one(pattern)),
    lines: { start, end },
    ignoreCache,
    ...(chmod === undefined ? {} : { chmod }),
    ...names.next(shown),
  }
  state.root = step
  const flags = [
    ...(instruction.chown === undefined ? [] : [`--chown=${step.chown}`]),
    ...(chmod === undefined ? [] : [`--chmod=${chmod}`]),
    ...(instruction.link ? ['--link'] : []),
    ...(fromName === undefined ? [] : []),
  ]
  const texts = sources.map((source) => (source.kind === 'files' ? source.pattern : source.kind === 'url' ? source.url : source.kind === 'git' ? source.repository : `<<${source.name}`))
  state.history.push({ created_by: [kind.toUpperCase(), ...flags, ...texts, asked, '# buildkit'].join(' '), comment: 'buildkit.dockerfile.v0', step })
}

function planDirectory(place: Place, { value, original, start, end }: WordInstruction): void {
  const { state, names, words, ignoreCache } = place
  const path = absolute(state.config.WorkingDir || '/', words.one(value))
  state.config.WorkingDir = path
  const title = names.next(shownText(original.replace(/^\S+/, 'WORKDIR'), place, {}))
  const step: Step = { kind: 'directory', parent: state.root, path, chown: state.config.User ?? '', lines: { start, end }, ignoreCache, ...title }
  state.root = step
  state.history.push({ created_by: `WORKDIR ${path}`, comment: 'buildkit.dockerfile.v0', step })
}

/** Progress shows variables by their values. */
function shownText(text: string, { planner, state }: Place, how: Pick<Expansion, 'keepQuotes' | 'keepUnset'>): string {
  try {
    return expandWord(text, { escape: planner.dockerfile.escape, variables: (name) => state.scope.value(name), ...how })
  } catch {
    return text
  }
}
