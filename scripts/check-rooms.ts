import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * Holds the borders of docs/design.md: which room may import from which, who may reach the kernel, and how long a file may be.
 * A type-only import may go upwards: it leaves no trace at run time.
 */
const reaches: Record<string, readonly string[]> = {
  lib: [],
  kernel: [],
  proxy: ['kernel'],
  shim: ['kernel'],
  runc: ['kernel', 'shim'],
  net: ['kernel'],
  containerd: ['kernel', 'shim', 'runc'],
  logging: ['kernel'],
  build: ['containerd', 'kernel'],
  engine: ['containerd', 'logging', 'net', 'build', 'runc', 'shim', 'kernel'],
  api: ['engine'],
  cli: [],
}
/** These put the parts together and may import all. */
const composers = new Set(['gantryd'])
const kernelOnly = [/^node:child_process$/, /\.node$/]
/** The client runs the user's own credential helpers and commands, and has no kernel room to go through. */
const spawning = new Set(['src/cli/credentials/credential-helper.ts', 'src/cli/client/ssh.ts', 'src/cli/commands/fs.ts', 'src/cli/commands/enter.ts'])
/** The client copies files of its own host, with attributes and devices. */
const reachingAll = new Set(['src/cli/copy/attributes.ts'])
/** Tables written by a program. */
const generated = [/^src\/kernel\/syscall-tables\//, /^src\/runc\/seccomp\/default-profile/]
const maxLines = 500

const importPattern = /^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|\brequire\(\s*['"]([^'"]+)['"]\s*\)/gm

function roomOf(file: string): string | undefined {
  return /^src\/([^/]+)\//.exec(file)?.[1]
}

/** What is wrong with one file, a line each. */
function complaints(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const found: string[] = []
  const lines = text.split('\n').length - 1
  if (lines > maxLines && !generated.some((pattern) => pattern.test(file))) found.push(`${lines} lines, ${maxLines} are allowed`)
  if (/^export default\b/m.test(text)) found.push('default export')
  const room = roomOf(file)
  if (room === undefined) return found
  if (!composers.has(room) && reaches[room] === undefined) found.push(`room ${room} is not in the table of ${import.meta.filename}`)
  for (const [, typeOnly, from, dynamic, required] of text.matchAll(importPattern)) {
    const target = from ?? dynamic ?? required ?? ''
    if (typeOnly !== undefined) continue
    if (room !== 'kernel' && !spawning.has(file) && kernelOnly.some((pattern) => pattern.test(target))) found.push(`imports ${target}: only src/kernel may`)
    if (!target.startsWith('.')) continue
    const other = roomOf(path.join(path.dirname(file), target))
    if (other === undefined || other === room || other === 'lib' || composers.has(room) || reachingAll.has(file)) continue
    if (!(reaches[room] ?? []).includes(other)) found.push(`imports ${target}: ${room} does not reach ${other}`)
  }
  return found
}

const wrong = globSync('{src,test,scripts}/**/*.ts')
  .toSorted()
  .flatMap((file) => complaints(file).map((complaint) => `${file}: ${complaint}`))
for (const line of wrong) console.error(line)
if (wrong.length > 0) process.exit(1)
console.log('rooms: borders and lengths hold')
