import { DockerfileError } from '../../build/dockerfile/dockerfile-error.ts'
import type { Instruction } from '../../build/dockerfile/instruction.ts'
import { parseInstruction } from '../../build/dockerfile/parse-instruction.ts'
import { readSource } from '../../build/dockerfile/source-text.ts'
import { configure, wordsOf } from '../../build/plan/configure.ts'
import { absolute } from '../../build/plan/paths.ts'
import { Scope } from '../../build/plan/scope.ts'
import type { StageState } from '../../build/plan/stage-state.ts'
import { GantryError } from '../../lib/errors.ts'
import type { ContainerConfig } from '../types/container-config.ts'

/** What `commit --change` and `import --change` take. Source: the command line reference of `docker commit`. */
const allowed = new Set(['CMD', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'LABEL', 'ONBUILD', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'])

/**
 * A configuration after Dockerfile instructions, as a build applies them: variables are those of the environment before each.
 * @throws InvalidParameter for an instruction that is unknown, no change or malformed, with Docker's texts
 */
export function changedConfig(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  if (changes.length === 0) return structuredClone(config)
  return withoutPlace(() => {
    const { instructions, escape } = readSource(changes.join('\n'))
    if (instructions.length === 0) throw new DockerfileError('file with no instructions', 0)
    for (const { keyword, original } of instructions) {
      if (!allowed.has(keyword)) throw new GantryError('InvalidParameter', `${original.split(/\s/)[0]} is not a valid change command`)
    }
    const state: StageState = { config: structuredClone(config), scope: new Scope(), commandSet: false, ...nowhere() }
    state.scope.readEnv(config.Env ?? [])
    for (const instruction of instructions.map(parseInstruction)) apply(state, instruction, escape)
    return state.config
  })
}

/** What a build's state has besides, and changes do not look at. */
function nowhere(): Pick<StageState, 'root' | 'history' | 'platform' | 'base'> {
  return { root: { kind: 'scratch', name: '', ignoreCache: false }, history: [], platform: { os: 'linux', architecture: '' }, base: undefined }
}

function apply(state: StageState, instruction: Instruction, escape: string): void {
  const words = wordsOf(state, { escape, line: instruction.start })
  if (instruction.kind === 'workdir') state.config.WorkingDir = absolute(state.config.WorkingDir || '/', words.one(instruction.value))
  else configure(state, instruction, words)
  // BuildKit's mark on a CMD; Docker's own builder, which does a commit, takes it off.
  if (instruction.kind === 'cmd' || instruction.kind === 'entrypoint') delete state.config.ArgsEscaped
}

/** There is no file, so a line of it means nothing. */
function withoutPlace<Result>(act: () => Result): Result {
  try {
    return act()
  } catch (error) {
    if (error instanceof DockerfileError) throw new GantryError('InvalidParameter', error.reason, { cause: error })
    throw error
  }
}
