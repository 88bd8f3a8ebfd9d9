import { readFileSync } from 'node:fs'
import type { WayStep } from './way.ts'

/** An interface with what went through it in both directions, here or in the network namespace of a process. */
export function interfaceStep(name: string, role: string, pid?: number): WayStep {
  const line = deviceLines(pid).find((one) => one.startsWith(`${name}:`))
  if (line === undefined) return { at: 'interface', name, text: `${role}: not there` }
  // proc(5): received bytes, packets, six more; transmitted bytes, packets.
  const fields = line.slice(name.length + 1).trim().split(/\s+/).map(Number)
  return { at: 'interface', name, text: role, packets: (fields[1] ?? 0) + (fields[9] ?? 0), bytes: (fields[0] ?? 0) + (fields[8] ?? 0) }
}

export function hasInterface(name: string): boolean {
  return deviceLines(undefined).some((line) => line.startsWith(`${name}:`))
}

function deviceLines(pid: number | undefined): string[] {
  try {
    return readFileSync(`/proc/${pid ?? 'thread-self'}/net/dev`, 'utf8').split('\n').map((line) => line.trim())
  } catch {
    return []
  }
}
