import { endianness } from 'node:os'
import { GantryError } from '../../lib/errors.ts'
import type { Platform } from './contract.ts'
import type { ImageIndex } from './manifest.ts'

const goArchitectures: Record<string, string> = { x64: 'amd64', ia32: '386', ppc64: endianness() === 'LE' ? 'ppc64le' : 'ppc64' }

export const hostPlatform: Platform = normalized({ os: 'linux', architecture: goArchitectures[process.arch] ?? process.arch })

/** "linux/arm64/v8", "arm64" or "linux". @throws InvalidParameter with containerd's text */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/')
  for (const part of parts) {
    if (!/^[a-z0-9_.-]+$/.test(part)) throw invalid(`${JSON.stringify(text)} is an invalid component of ${JSON.stringify(part)}: platform specifier component must match "^[A-Za-z0-9_.-]+$"`)
  }
  const [first = '', second, variant] = parts
  if (parts.length > 3) throw invalid(`${JSON.stringify(text)}: cannot parse platform specifier`)
  if (second !== undefined) return normalized({ os: first, architecture: second, ...(variant !== undefined && { variant }) })
  if (['linux', 'windows', 'darwin', 'freebsd'].includes(first)) return { ...hostPlatform, os: first }
  return normalized({ os: 'linux', architecture: first })
}

/** As containerd writes it: without the variant that an architecture has by itself, except for arm64's v8. */
export function platformText({ os, architecture, variant }: Platform): string {
  const shown = variant ?? (architecture === 'arm64' ? 'v8' : undefined)
  return [os, architecture, ...(shown === undefined ? [] : [shown])].join('/')
}

/** The manifest of an index that suits best. A newer variant of arm runs the older ones. @throws NotFound with Docker's text */
export function selectManifest(index: ImageIndex, wanted: Platform): ImageIndex['manifests'][number] {
  let best: { rank: number; manifest: ImageIndex['manifests'][number] } | undefined
  for (const manifest of index.manifests) {
    if (manifest.attestation || manifest.platform === undefined) continue
    const rank = suitability(normalized(manifest.platform), wanted)
    if (rank > (best?.rank ?? 0)) best = { rank, manifest }
  }
  if (best !== undefined) return best.manifest
  throw new GantryError('NotFound', `no matching manifest for ${platformText(wanted)} in the manifest list entries`)
}

/** Does what an image says of itself fit? */
export function suits(offered: Partial<Platform>, wanted: Platform): boolean {
  return suitability(normalized({ os: offered.os ?? '', architecture: offered.architecture ?? '', ...(offered.variant && { variant: offered.variant }) }), wanted) > 0
}

/** @throws NotFound with Docker's text when an image is of another platform */
export function requirePlatform(offered: Partial<Platform>, wanted: Platform, name: string): void {
  if (!suits(offered, wanted)) throw new GantryError('NotFound', mismatchText(offered, wanted, name))
}

export function mismatchText({ os = '', architecture = '', variant }: Partial<Platform>, wanted: Platform, name: string): string {
  const actual = platformText({ os, architecture, ...(variant && { variant }) })
  return `image with reference ${name} was found but its platform (${actual}) does not match the specified platform (${platformText(wanted)})`
}

/** 0: not at all. */
function suitability(offered: Platform, wanted: Platform): number {
  if (offered.os !== wanted.os) return 0
  if (offered.architecture !== wanted.architecture) return 0
  const [have, need] = [variantNumber(offered), variantNumber(wanted)]
  if (have === need) return 100
  return offered.architecture.startsWith('arm') || offered.architecture === 'amd64' ? (have < need ? 10 + have : 0) : 1
}

function variantNumber({ architecture, variant }: Platform): number {
  const stated = Number(/^v(\d+)/.exec(variant ?? '')?.[1] ?? Number.NaN)
  if (!Number.isNaN(stated)) return stated
  const usual: Record<string, number> = { arm: 7, arm64: 8, amd64: 1 }
  return usual[architecture] ?? 0
}

/** containerd's names for what people write. */
function normalized(platform: Platform): Platform {
  const os = platform.os === 'macos' ? 'darwin' : platform.os.toLowerCase()
  const other: Record<string, [string, string?]> = {
    x86_64: ['amd64'], 'x86-64': ['amd64'], aarch64: ['arm64'], i386: ['386'], i686: ['386'], armhf: ['arm', 'v7'], armel: ['arm', 'v6'],
  }
  const [architecture, implied] = other[platform.architecture.toLowerCase()] ?? [platform.architecture.toLowerCase()]
  const variant = platform.variant ?? implied
  const isUsual = (architecture === 'arm64' && (variant === 'v8' || variant === '8')) || (architecture === 'amd64' && variant === 'v1')
  return { os, architecture, ...(variant !== undefined && variant !== '' && !isUsual && { variant }) }
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
