import { createHash } from 'node:crypto'
import { copyFileSync, createReadStream, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { must } from '../e2e/harness/run.ts'

const layerCount = 12
/** Bytes of files in each layer. */
const layerSize = 25 << 20
const sources = ['/usr/lib', '/usr/bin', '/usr/share']
const largestFile = 20 << 20

/**
 * A docker-archive of an image of some 300 MB in 12 layers, of this machine's own programs, libraries and documents: what compresses
 * and what does not, thousands of small files and a few large ones, as in images that people use.
 */
export async function layeredImage(directory: string, tag: string): Promise<{ archive: string; bytes: number }> {
  const scratch = path.join(directory, 'layered')
  mkdirSync(scratch, { recursive: true })
  const files = filesOf(sources)
  const diffIds: string[] = []
  const layers: string[] = []
  let bytes = 0
  for (let at = 0; at < layerCount; at++) {
    const names: string[] = []
    for (let size = 0; size < layerSize; ) {
      const file = files.next()
      if (file.done) break
      names.push(file.value.name)
      size += file.value.size
      bytes += file.value.size
    }
    const layer = `${at}.tar`
    writeFileSync(path.join(scratch, 'names'), names.join('\0'))
    await must(['tar', '-C', '/', '--null', '--no-recursion', '--numeric-owner', '--hard-dereference', '-T', path.join(scratch, 'names'), '-cf', path.join(scratch, layer)])
    diffIds.push(`sha256:${await digest(path.join(scratch, layer))}`)
    layers.push(layer)
  }
  const config = { architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux', config: { Cmd: ['true'] }, rootfs: { type: 'layers', diff_ids: diffIds }, history: [] }
  writeFileSync(path.join(scratch, 'config.json'), JSON.stringify(config))
  writeFileSync(path.join(scratch, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: layers }]))
  await must(['tar', '-C', scratch, '-cf', path.join(directory, 'layered.tar'), 'manifest.json', 'config.json', ...layers])
  rmSync(scratch, { recursive: true })
  return { archive: path.join(directory, 'layered.tar'), bytes }
}

/** One copy for each contender: who reads last shall not profit from what the others have in the page cache. */
export function copyOf(archive: string, directory: string): string {
  const own = path.join(directory, 'image.tar')
  copyFileSync(archive, own)
  return own
}

function* filesOf(directories: string[]): Generator<{ name: string; size: number }, undefined, undefined> {
  for (const directory of directories) {
    for (const entry of readdirSync(directory, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const full = path.join(directory, entry.name)
      if (entry.isDirectory()) yield* filesOf([full])
      else if (entry.isFile() || entry.isSymbolicLink()) {
        const { size } = lstatSync(full)
        if (size <= largestFile) yield { name: full.slice(1), size }
      }
    }
  }
  return undefined
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
