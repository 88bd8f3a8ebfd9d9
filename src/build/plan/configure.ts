import type { HealthConfig } from '../../engine/types/container-config.ts'
import { DockerfileError } from '../dockerfile/dockerfile-error.ts'
import { expandWord, expandWords } from '../dockerfile/expand.ts'
import type { Command, CommandInstruction, HealthcheckInstruction, Instruction, ListInstruction, PairsInstruction } from '../dockerfile/instruction.ts'
import { commandWords, goQuoted, healthText } from './history-text.ts'
import { exposedPorts } from './exposed-ports.ts'
import { absolute } from './paths.ts'
import { shellOf } from './stage-state.ts'
import type { StageState } from './stage-state.ts'

/** Expands words of one instruction. */
export interface Words {
  one(text: string): string
  many(text: string): string[]
}

export function wordsOf(state: StageState, { escape, line, unset }: { escape: string; line: number; unset?: (name: string, line: number) => void }): Words {
  // Within one instruction a name keeps the value that it had before it.
  const expansion = { escape, variables: (name: string) => state.scope.value(name), ...(unset && { unset: (name: string) => unset(name, line) }) }
  const guarded = <Result>(text: string, act: () => Result): Result => {
    try {
      return act()
    } catch (error) {
      throw new DockerfileError(`failed to process ${JSON.stringify(text)}: ${error instanceof Error ? error.message : String(error)}`, line, { cause: error })
    }
  }
  return { one: (text) => guarded(text, () => expandWord(text, expansion)), many: (text) => guarded(text, () => expandWords(text, expansion)) }
}

/** Instructions that only change the configuration. @returns what history says; undefined: nothing */
export function configure(state: StageState, instruction: Instruction, words: Words): string | undefined {
  const { config } = state
  switch (instruction.kind) {
    case 'env':
      return setEnv(state, instruction, words)
    case 'label':
      return setLabels(state, instruction, words)
    case 'cmd':
    case 'entrypoint':
      return setCommand(state, instruction)
    case 'user':
      config.User = words.one(instruction.value)
      return `USER ${config.User}`
    case 'stopsignal':
      config.StopSignal = words.one(instruction.value)
      return `STOPSIGNAL ${config.StopSignal}`
    case 'maintainer':
      state.author = words.one(instruction.value)
      return `MAINTAINER ${state.author}`
    case 'expose':
    case 'volume':
      return setList(state, instruction, words)
    case 'shell':
      config.Shell = instruction.words
      return `SHELL [${instruction.words.join(' ')}]`
    case 'onbuild':
      config.OnBuild = [...(config.OnBuild ?? []), instruction.trigger]
      return undefined
    case 'healthcheck':
      return setHealthcheck(state, instruction)
    default:
      return undefined
  }
}

function setEnv(state: StageState, { pairs }: PairsInstruction, words: Words): string {
  const set = pairs.map(({ name, value }) => [words.one(name), words.one(value)] as const)
  for (const [name, value] of set) {
    state.scope.env.set(name, value)
    const entries = state.config.Env ?? []
    const at = entries.findIndex((entry) => entry.startsWith(`${name}=`))
    state.config.Env = at === -1 ? [...entries, `${name}=${value}`] : entries.with(at, `${name}=${value}`)
  }
  return `ENV ${set.map(([name, value]) => `${name}=${value}`).join(' ')}`
}

function setLabels(state: StageState, { pairs }: PairsInstruction, words: Words): string {
  const set = pairs.map(({ name, value }) => [words.one(name), words.one(value)] as const)
  state.config.Labels = { ...state.config.Labels, ...Object.fromEntries(set) }
  return `LABEL ${set.map(([name, value]) => `${name}=${value}`).join(' ')}`
}

function setCommand(state: StageState, { kind, command }: CommandInstruction): string {
  const words = wholeCommand(state, command)
  if (kind === 'cmd') {
    // Says nothing off Windows; BuildKit sets it with every CMD.
    state.config.ArgsEscaped = true
    state.config.Cmd = words
    state.commandSet = true
    return `CMD ${commandWords(words)}`
  }
  state.config.Entrypoint = words.length === 0 ? null : words
  // The base image's command was meant for the base image's entry point.
  if (!state.commandSet) state.config.Cmd = null
  return `ENTRYPOINT ${commandWords(words)}`
}

/** A shell form becomes the shell's argument, whole. */
export function wholeCommand(state: Pick<StageState, 'config'>, command: Command): string[] {
  if (command.form === 'exec') return command.words
  return command.line === '' ? [] : [...shellOf(state), command.line]
}

function setList(state: StageState, { kind, values, start }: ListInstruction, words: Words): string {
  if (kind === 'volume') {
    const paths = values.map((value) => absolute('/', words.one(value)))
    state.config.Volumes = { ...state.config.Volumes, ...Object.fromEntries(paths.map((each) => [each, {}])) }
    return `VOLUME [${paths.join(' ')}]`
  }
  const ports = values.flatMap((value) => words.many(value)).flatMap((value) => exposedPorts(value, start))
  state.config.ExposedPorts = { ...state.config.ExposedPorts, ...Object.fromEntries(ports.map((each) => [each, {}])) }
  return `EXPOSE [${ports.join(' ')}]`
}

const noTimes = { interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 }

function setHealthcheck(state: StageState, { check }: HealthcheckInstruction): string {
  if (check === undefined) {
    state.config.Healthcheck = { Test: ['NONE'] }
    return `HEALTHCHECK &{["NONE"] ${healthText(noTimes)}}`
  }
  const { command, interval, timeout, startPeriod, startInterval, retries } = check
  const test = command.form === 'exec' ? ['CMD', ...command.words] : ['CMD-SHELL', command.line]
  const healthcheck: HealthConfig = {
    Test: test,
    ...(interval > 0 && { Interval: interval }),
    ...(timeout > 0 && { Timeout: timeout }),
    ...(startPeriod > 0 && { StartPeriod: startPeriod }),
    ...(startInterval > 0 && { StartInterval: startInterval }),
    ...(retries > 0 && { Retries: retries }),
  }
  state.config.Healthcheck = healthcheck
  return `HEALTHCHECK &{[${test.map(goQuoted).join(' ')}] ${healthText(check)}}`
}
