import { GantryError } from '../../lib/errors.ts'
import type { Platform } from './contract.ts'

const machines: Record<string, { architecture: string; variant?: string }> = {
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
  i386: { architecture: '386' },
}

/** "linux/arm64/v8", "arm64", "linux". @throws InvalidParameter */
export function parsePlatform(text: string, own: Platform): Platform {
  const parts = text.toLowerCase().split('/')
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) throw new GantryError('InvalidParameter', `"${text}" is an invalid platform`)
  const [first = '', second, third] = parts
  if (second === undefined) return first === 'linux' ? own : { os: 'linux', ...machineOf(first) }
  const machine = machineOf(second)
  const variant = third ?? machine.variant
  return { os: first, architecture: machine.architecture, ...(variant === undefined || (machine.architecture === 'arm64' && variant === 'v8') ? {} : { variant }) }
}

export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/')
}

function machineOf(name: string): { architecture: string; variant?: string } {
  return machines[name] ?? { architecture: name }
}
