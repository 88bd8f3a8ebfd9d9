import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

let names: Map<number, string> | undefined

/** Made when there is an error to name: a runtime that starts has no time for it. */
function makeNames(): Map<number, string> {
  const made = new Map(Object.entries(constants.errno).map(([name, value]) => [value as number, name]))
  // Linux numbers that node:os does not carry.
  for (const [value, name] of [[61, 'ENODATA'], [117, 'EUCLEAN'], [22, 'EINVAL'], [16, 'EBUSY']] as const) made.set(value, name)
  return made
}

/** Texts as strerror(3) gives them, for those that users meet. */
const texts: Record<string, string> = {
  EPERM: 'operation not permitted', ENOENT: 'no such file or directory', ESRCH: 'no such process',
  EINTR: 'interrupted system call', EIO: 'input/output error', ENXIO: 'no such device or address',
  E2BIG: 'argument list too long', ENOEXEC: 'exec format error', EBADF: 'bad file descriptor',
  ECHILD: 'no child processes', EAGAIN: 'resource temporarily unavailable', ENOMEM: 'cannot allocate memory',
  EACCES: 'permission denied', EFAULT: 'bad address', EBUSY: 'device or resource busy', EEXIST: 'file exists',
  EXDEV: 'invalid cross-device link', ENODEV: 'no such device', ENOTDIR: 'not a directory', EISDIR: 'is a directory',
  EINVAL: 'invalid argument', ENFILE: 'too many open files in system', EMFILE: 'too many open files',
  ETXTBSY: 'text file busy', EFBIG: 'file too large', ENOSPC: 'no space left on device', EROFS: 'read-only file system',
  EMLINK: 'too many links', EPIPE: 'broken pipe', ERANGE: 'numerical result out of range', ENAMETOOLONG: 'file name too long',
  ENOSYS: 'function not implemented', ENOTEMPTY: 'directory not empty', ELOOP: 'too many levels of symbolic links',
  ENODATA: 'no data available', EPROTO: 'protocol error', EOVERFLOW: 'value too large for defined data type',
  EOPNOTSUPP: 'operation not supported', ENOTSUP: 'operation not supported', EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'cannot assign requested address', ENETDOWN: 'network is down', ENETUNREACH: 'network is unreachable',
  ENOBUFS: 'no buffer space available', ECONNREFUSED: 'connection refused', EUCLEAN: 'structure needs cleaning',
}

/** "ENOENT" for 2. */
export function errnoName(errno: number): string {
  return (names ??= makeNames()).get(errno) ?? `E${errno}`
}

/** The C library's text for an errno, in Go's lower case, since that is what users of Docker see. */
export function errnoText(errno: number): string {
  return texts[errnoName(errno)] ?? getSystemErrorMap().get(-errno)?.[1] ?? `errno ${errno}`
}
