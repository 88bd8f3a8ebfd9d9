import { DockerfileError } from '../dockerfile/dockerfile-error.ts'
import { expandWord } from '../dockerfile/expand.ts'
import type { CopyInstruction } from '../dockerfile/instruction.ts'
import type { Words } from './configure.ts'
import type { CopySource, Step } from './contract.ts'

/** What COPY and ADD take. `several`: the destination has to be a directory. */
export async function copySources(instruction: CopyInstruction, { words, from }: { words: Words; from: () => Promise<Step> }): Promise<{ sources: CopySource[]; several: boolean }> {
  const { kind, sources, heredocs, checksum, start } = instruction
  const found: CopySource[] = []
  for (const source of sources) {
    const text = words.one(source)
    if (kind === 'add' && isGit(text)) found.push(gitSource(text, instruction, words))
    else if (kind === 'add' && /^https?:\/\//.test(text)) {
      found.push({ kind: 'url', url: text, unpack: instruction.unpack ?? false, ...(checksum === undefined ? {} : { checksum: words.one(checksum) }) })
    } else {
      if (checksum !== undefined) throw new DockerfileError('checksum can\'t be specified for non-HTTP(S) sources', start)
      found.push({ kind: 'files', from: await from(), pattern: text === '' ? '.' : text, unpack: kind === 'add' && instruction.unpack !== false })
    }
  }
  for (const { name, content, expand } of heredocs) {
    found.push({ kind: 'inline', name, content: expand ? expandHeredoc(content, { words, line: start }) : content })
  }
  if (checksum !== undefined && found.length > 1) throw new DockerfileError('checksum can\'t be specified for multiple sources', start)
  return { sources: found, several: found.length > 1 }
}

/** A heredoc keeps its quotes and is expanded line by line, so that a mistake stays small. */
function expandHeredoc(content: string, { words, line }: { words: Words; line: number }): string {
  try {
    return expandWord(content, { escape: '\\', variables: (name) => words.one(`\${${name}}`), keepQuotes: true })
  } catch (error) {
    throw new DockerfileError(`failed to process heredoc: ${error instanceof Error ? error.message : String(error)}`, line, { cause: error })
  }
}

/** Source: "Build contexts", Git repositories. */
export function isGit(text: string): boolean {
  return /^(?:git:\/\/|git@|ssh:\/\/)/.test(text) || /^https?:\/\/[^?]*\.git(?:[#?].*)?$/.test(text) || text.startsWith('github.com/')
}

function gitSource(text: string, { keepGitDir, checksum }: CopyInstruction, words: Words): CopySource {
  return { kind: 'git', keepGitDir, ...gitReference(text), ...(checksum === undefined ? {} : { checksum: words.one(checksum) }) }
}

/** "https://host/repository.git#reference:subdirectory" */
export function gitReference(text: string): { repository: string; reference?: string; subdirectory?: string } {
  const [repository = '', fragment = ''] = text.split('#')
  const [reference, subdirectory] = fragment.split(':')
  return { repository, ...(reference ? { reference } : {}), ...(subdirectory ? { subdirectory } : {}) }
}
