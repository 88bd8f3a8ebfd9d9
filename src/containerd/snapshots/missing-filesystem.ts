import { readFileSync } from 'node:fs'

/**
 * Has the kernel a file system? `load` makes it load the module at need.
 * @returns the reason when it has not
 */
export function missingFilesystem(name: string, load: () => void, filesystems: () => string = kernelFilesystems): string | undefined {
  const isThere = (): boolean => new RegExp(`\\t${name}$`, 'm').test(filesystems())
  if (isThere()) return undefined
  load()
  return isThere() ? undefined : `the kernel module "${name}" is not loaded (modprobe ${name})`
}

function kernelFilesystems(): string {
  return readFileSync('/proc/filesystems', 'utf8')
}
