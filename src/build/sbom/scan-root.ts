import { closeSync, fstatSync, openSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { Pace } from '../../lib/pace.ts'
import { openInRoot } from '../../kernel/in-root.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { readApk, readDpkg, readNpm, readPython, type FoundPackage } from './package-databases.ts'

/** Bytes; and directories that are looked into. A root file system is a stranger's. */
const largestFile = 64 << 20
const mostDirectories = 200_000

export interface RootScan {
  packages: FoundPackage[]
  /** ID and VERSION_ID of os-release. */
  distribution?: { id: string; version: string }
}

/** Packages that the databases of a root file system list. Nothing outside of it is read, whatever links it has. */
export async function scanRoot(kernel: Pick<Kernel, 'syscall'>, root: string, signal: AbortSignal): Promise<RootScan> {
  const top = openSync(root, 'r')
  try {
    const read = (name: string): string | undefined => readInRoot(kernel, top, name)
    const packages = [...readDpkg(read('/var/lib/dpkg/status') ?? '', '/var/lib/dpkg/status'), ...readApk(read('/lib/apk/db/installed') ?? '', '/lib/apk/db/installed')]
    await walk(root, new Pace(signal), (directory, names) => {
      const at = (name: string): string => path.posix.join('/', directory, name)
      const take = (name: string, reader: (text: string, from: string) => FoundPackage[]): void => void packages.push(...reader(read(at(name)) ?? '', at(name)))
      if (directory === 'var/lib/dpkg/status.d') for (const name of names) if (!name.endsWith('.md5sums')) take(name, readDpkg)
      if (/(^|\/)node_modules\/(@[^/]+\/)?[^/@]+$/.test(directory) && names.includes('package.json')) take('package.json', readNpm)
      if (directory.endsWith('.dist-info') && names.includes('METADATA')) take('METADATA', readPython)
    })
    const release = read('/etc/os-release') ?? read('/usr/lib/os-release') ?? ''
    const field = (name: string): string => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1] ?? ''
    return { packages, ...(field('ID') !== '' && { distribution: { id: field('ID'), version: field('VERSION_ID') } }) }
  } finally {
    closeSync(top)
  }
}

function readInRoot(kernel: Pick<Kernel, 'syscall'>, top: number, name: string): string | undefined {
  let found: number | undefined
  try {
    found = openInRoot(kernel, top, name, 'followed')
    const stats = fstatSync(found)
    return stats.isFile() && stats.size <= largestFile ? readFileSync(`/proc/self/fd/${found}`, 'utf8') : undefined
  } catch {
    return undefined
  } finally {
    if (found !== undefined) closeSync(found)
  }
}

/** Every directory, links not followed; what cannot be read is passed over. */
async function walk(root: string, pace: Pace, look: (directory: string, names: string[]) => void): Promise<void> {
  const waiting = ['']
  for (let count = 0; count < mostDirectories; count++) {
    await pace.rest()
    const directory = waiting.pop()
    if (directory === undefined) return
    let entries
    try {
      entries = readdirSync(path.join(root, directory), { withFileTypes: true })
    } catch {
      continue
    }
    look(directory, entries.map(({ name }) => name).toSorted())
    for (const entry of entries) if (entry.isDirectory()) waiting.push(directory === '' ? entry.name : `${directory}/${entry.name}`)
  }
}
