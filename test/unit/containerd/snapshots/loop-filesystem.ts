import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new file system in a file. @returns where it is mounted, and what takes it away again */
export function loopFilesystem({ make, options = 'loop', size = 256 << 20 }: { make: string[]; options?: string; size?: number }): { directory: string; remove: () => void } {
  const home = mkdtempSync(join(tmpdir(), 'loop-'))
  const image = join(home, 'image')
  const directory = join(home, 'mounted')
  writeFileSync(image, '')
  truncateSync(image, size)
  mkdirSync(directory)
  const [program = '', ...args] = make
  execFileSync(program, [...args, image], { stdio: 'pipe' })
  execFileSync('mount', ['-o', options, image, directory])
  return {
    directory,
    remove: () => {
      execFileSync('umount', [directory])
      rmSync(home, { recursive: true })
    },
  }
}
