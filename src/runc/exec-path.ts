import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from '../kernel/constants/files.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import type { OciProcess } from './spec.ts'

const ENOENT = 2
const EACCES = 13
const ENOTDIR = 20
const EISDIR = 21
const ELOOP = 40

/**
 * The last operations: the program is looked for in the container's own PATH, as Docker does, and becomes the process.
 * Their labels start with "execute"; they fail with ENOENT (not in PATH, or no such path), EACCES, EISDIR, ENOTDIR, ENOEXEC.
 */
export function execute(builder: ProgramBuilder, { args, env = [] }: OciProcess): void {
  const [name = ''] = args
  const argv = builder.pointers(args.map((argument) => builder.string(argument)))
  const envp = builder.pointers(env.map((entry) => builder.string(entry)))
  const subject = `execute ${JSON.stringify(name)}`
  if (name.includes('/')) {
    executePath(builder, subject, name, [argv, envp])
    return
  }
  for (const directory of name === '' ? [] : searchPath(env)) {
    builder.call(subject, 'execve', [builder.string(`${directory.replace(/\/+$/, '')}/${name}`), argv, envp], {
      ignore: [ENOENT, ENOTDIR, EACCES, ELOOP],
    })
  }
  builder.fail(subject, ENOENT)
}

/** execve says EACCES for a directory too; which of the two it was decides the message. */
function executePath(builder: ProgramBuilder, subject: string, path: string, rest: [ReturnType<ProgramBuilder['pointers']>, ReturnType<ProgramBuilder['pointers']>]): void {
  const isDirectory = builder.label()
  const file = builder.string(path)
  builder.call(subject, 'execve', [file, ...rest], { ignore: [EACCES] })
  builder.call('see whether it is a directory', 'openat', [AT_FDCWD, file, O_PATH | O_DIRECTORY | O_CLOEXEC, 0], {
    ignore: [ENOENT, EACCES, ENOTDIR, ELOOP],
    onSuccess: isDirectory,
  })
  builder.fail(subject, EACCES)
  builder.place(isDirectory)
  builder.fail(subject, EISDIR)
}

/** Relative entries would depend on the working directory, and are not searched. */
export function searchPath(env: readonly string[]): string[] {
  const entry = env.findLast((candidate) => candidate.startsWith('PATH='))
  return (entry?.slice('PATH='.length) ?? '').split(':').filter((directory) => directory.startsWith('/'))
}
