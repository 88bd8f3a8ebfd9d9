import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from '../kernel/constants/files.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { searchPath } from './exec-path.ts'
import type { OciProcess } from './spec.ts'

const ENOENT = 2
const EACCES = 13
const ENOTDIR = 20
const EISDIR = 21
const ELOOP = 40
const X_OK = 1
const AT_EACCESS = 0x200

/**
 * Fails as `execute` will when the command is not there or not executable, so that this is an error of `create`, where callers of
 * a runtime look for it. Says nothing about what `execve` alone can tell (a missing interpreter, a format that is none).
 */
export function checkCommand(builder: ProgramBuilder, { args, env = [] }: OciProcess): void {
  const [name = ''] = args
  const subject = `execute ${JSON.stringify(name)}`
  const found = builder.label()
  if (name.includes('/')) {
    const file = builder.string(name)
    const isDirectory = builder.label()
    builder.call(subject, 'faccessat2', [AT_FDCWD, file, X_OK, AT_EACCESS])
    builder.call('see whether it is a directory', 'openat', [AT_FDCWD, file, O_PATH | O_DIRECTORY | O_CLOEXEC, 0], { ignore: [ENOTDIR, EACCES, ELOOP, ENOENT], onSuccess: isDirectory })
    builder.jump('it is a file', found)
    builder.place(isDirectory)
    builder.fail(subject, EISDIR)
    builder.place(found)
    return
  }
  for (const directory of name === '' ? [] : searchPath(env)) {
    builder.call(`look for ${name} in ${directory}`, 'faccessat2', [AT_FDCWD, builder.string(`${directory.replace(/\/+$/, '')}/${name}`), X_OK, AT_EACCESS], {
      ignore: [ENOENT, ENOTDIR, EACCES, ELOOP],
      onSuccess: found,
    })
  }
  builder.fail(subject, ENOENT)
  builder.place(found)
}
