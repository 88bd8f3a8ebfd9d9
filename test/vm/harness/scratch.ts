import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'

/** A new directory that is named after this process. Those of processes that died without removing theirs are removed first. */
export function makeScratch(parent: string, name: string): string {
  for (const entry of readdirSync(parent)) {
    if (!entry.startsWith(`${name}-`)) continue
    const owner = Number(entry.slice(name.length + 1).split('-')[0])
    if (Number.isInteger(owner) && !alive(owner)) rmSync(path.join(parent, entry), { recursive: true, force: true })
  }
  return mkdtempSync(path.join(parent, `${name}-${process.pid}-`))
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
