import path from 'node:path/posix'
import { IgnorePatterns } from '../../lib/patterns/ignore-patterns.ts'
import type { Dockerfile, Stage } from '../dockerfile/dockerfile.ts'
import type { CopyInstruction, Instruction, ListInstruction } from '../dockerfile/instruction.ts'
import { isGit } from '../plan/copy-sources.ts'
import type { Warn } from './check-dockerfile.ts'

interface Checking {
  warn: Warn
  looked: (stage: Stage) => boolean
  ignored: readonly string[]
}

/** What stages hand on to those that stand on them. */
interface Inherited {
  shell: boolean
  workdir: boolean
}

/** Rules about single instructions of the stages. */
export function checkInstructions({ stages }: Dockerfile, { warn, looked, ignored }: Checking): void {
  const patterns = new IgnorePatterns(ignored)
  const known = new Map<string, Inherited>()
  for (const stage of stages) {
    const told: Warn = looked(stage) ? warn : () => {}
    const state: Inherited = { ...(known.get(stage.from.image.toLowerCase()) ?? { shell: false, workdir: false }) }
    checkRepeated(stage, told)
    for (const instruction of stage.instructions) checkOne(instruction, { warn: told, state, patterns })
    known.set(stage.name, state)
    known.set(String(stage.index), state)
  }
}

const single = ['cmd', 'entrypoint', 'healthcheck'] as const

function checkRepeated({ instructions }: Stage, warn: Warn): void {
  for (const kind of single) {
    for (const instruction of instructions.filter((one) => one.kind === kind).slice(0, -1)) {
      warn('MultipleInstructionsDisallowed', instruction, `Multiple ${kind.toUpperCase()} instructions should not be used in the same stage because only the last one will be used`)
    }
  }
}

function checkOne(instruction: Instruction, { warn, state, patterns }: { warn: Warn; state: Inherited; patterns: IgnorePatterns }): void {
  switch (instruction.kind) {
    case 'shell':
      state.shell = true
      return
    case 'cmd':
    case 'entrypoint':
      // Who has chosen a shell knows of it.
      if (instruction.command.form === 'shell' && !state.shell) {
        warn('JSONArgsRecommended', instruction, `JSON arguments recommended for ${instruction.kind.toUpperCase()} to prevent unintended behavior related to OS signals`)
      }
      return
    case 'maintainer':
      return warn('MaintainerDeprecated', instruction, 'Maintainer instruction is deprecated in favor of using label')
    case 'workdir':
      return checkWorkdir(instruction, { warn, state })
    case 'env':
    case 'label':
      if (instruction.legacy) {
        const word = instruction.kind.toUpperCase()
        warn('LegacyKeyValueFormat', instruction, `"${word} key=value" should be used instead of legacy "${word} key value" format`)
      }
      if (instruction.kind === 'env') for (const { name } of instruction.pairs) checkSecret(name, { word: 'ENV', place: instruction, warn })
      return
    case 'arg':
      for (const { name } of instruction.args) checkSecret(name, { word: 'ARG', place: instruction, warn })
      return
    case 'expose':
      return checkPorts(instruction, warn)
    case 'copy':
    case 'add':
      return checkIgnored(instruction, { warn, patterns })
    default:
  }
}

function checkWorkdir(instruction: Extract<Instruction, { value: string }>, { warn, state }: { warn: Warn; state: Inherited }): void {
  const value = instruction.value.replaceAll(/^["']|["']$/g, '')
  // What a variable holds is not known here.
  if (value.startsWith('/') || value.startsWith('$')) state.workdir = true
  else if (!state.workdir) warn('WorkdirRelativePath', instruction, `Relative workdir ${JSON.stringify(value)} can have unexpected results if the base image changes`)
}

const secret = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i
const notSecret = /(?:_|^)public(?:_|$)/i

function checkSecret(name: string, { word, place, warn }: { word: string; place: { start: number; end: number }; warn: Warn }): void {
  if (secret.test(name) && !notSecret.test(name)) warn('SecretsUsedInArgOrEnv', place, `Do not use ARG or ENV instructions for sensitive data (${word} ${JSON.stringify(name)})`)
}

function checkPorts(instruction: ListInstruction, warn: Warn): void {
  for (const port of instruction.values) {
    const protocol = port.split('/')[1] ?? ''
    if (protocol !== protocol.toLowerCase() && !protocol.includes('$')) warn('ExposeProtoCasing', instruction, `Defined protocol '${port}' in EXPOSE instruction should be lowercase`)
    if (port.replaceAll(/\$\{[^}]*\}/g, '').includes(':')) warn('ExposeInvalidFormat', instruction, `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`)
  }
}

function checkIgnored(instruction: CopyInstruction, { warn, patterns }: { warn: Warn; patterns: IgnorePatterns }): void {
  if (instruction.from !== undefined || patterns.empty) return
  const act = instruction.kind === 'copy' ? 'Copy' : 'Add'
  for (const source of instruction.sources) {
    const isElsewhere = instruction.kind === 'add' && (isGit(source) || /^https?:\/\//.test(source))
    const name = path.join('/', source).replace(/(.)\/$/, '$1').slice(1)
    if (name !== '' && !isElsewhere && patterns.ignores(name)) warn('CopyIgnoredFile', instruction, `Attempting to ${act} file ${JSON.stringify(source)} that is excluded by .dockerignore`)
  }
}
