import { closeSync, copyFileSync, fstatSync, lstatSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import type { Dirent } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Pace } from '../../lib/pace.ts'
import { openInRoot } from '../../kernel/in-root.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { readGoBinary } from './go-binary.ts'
import { readRpmDatabase } from './rpm-database.ts'
import { readApk, readDpkg, readNpm, readPython, type FoundPackage } from './package-databases.ts'

/** Bytes; and directories that are looked into. A root file system is a stranger's. */
const largestFile = 64 << 20
const largestDatabase = 512 << 20
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
    await walk(root, new Pace(signal), (directory, entries) => {
      const names = entries.map(({ name }) => name)
      const at = (name: string): string => path.posix.join('/', directory, name)
      const take = (name: string, reader: (text: string, from: string) => FoundPackage[]): void => void packages.push(...reader(read(at(name)) ?? '', at(name)))
      for (const entry of entries) {
        if (!entry.isFile()) continue
        const name = at(entry.name)
        const isRpm = entry.name === 'rpmdb.sqlite' && (directory === 'var/lib/rpm' || directory === 'usr/lib/sysimage/rpm')
        if (isRpm) packages.push(...(withFile(kernel, top, { name, largest: largestDatabase, read: (descriptor) => readRpm(descriptor, name) }) ?? []))
        else if (isProgram(path.join(root, name))) packages.push(...(withFile(kernel, top, { name, largest: Infinity, read: (descriptor) => readGoBinary(descriptor, name) }) ?? []))
      }
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

/** rpm's database is read by SQLite, which takes a name and writes beside it: a copy. */
function readRpm(descriptor: number, from: string): FoundPackage[] {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-rpm-'))
  try {
    const copy = path.join(directory, 'rpmdb.sqlite')
    copyFileSync(`/proc/self/fd/${descriptor}`, copy)
    return readRpmDatabase(copy, from)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function readInRoot(kernel: Pick<Kernel, 'syscall'>, top: number, name: string): string | undefined {
  return withFile(kernel, top, { name, largest: largestFile, read: (descriptor) => readFileSync(`/proc/self/fd/${descriptor}`, 'utf8') })
}

/** A regular file of the root, opened for reading; undefined for what cannot be read, or is none. */
function withFile<Result>(kernel: Pick<Kernel, 'syscall'>, top: number, { name, largest, read }: { name: string; largest: number; read: (descriptor: number) => Result }): Result | undefined {
  const open: number[] = []
  try {
    open.push(openInRoot(kernel, top, name, 'followed'))
    const stats = fstatSync(open[0]!)
    if (!stats.isFile() || stats.size > largest) return undefined
    open.push(openSync(`/proc/self/fd/${open[0]!}`, 'r'))
    return read(open[1]!)
  } catch {
    return undefined
  } finally {
    for (const descriptor of open) closeSync(descriptor)
  }
}

/** Every directory, links not followed; what cannot be read is passed over. */
async function walk(root: string, pace: Pace, look: (directory: string, entries: readonly Dirent[]) => void): Promise<void> {
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
    look(directory, entries.toSorted((one, other) => (one.name < other.name ? -1 : 1)))
    for (const entry of entries) if (entry.isDirectory()) waiting.push(directory === '' ? entry.name : `${directory}/${entry.name}`)
  }
}

function isProgram(file: string): boolean {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  return stats !== undefined && stats.isFile() && (stats.mode & 0o111) !== 0 && stats.size > 64
}
