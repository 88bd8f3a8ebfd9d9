import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { must } from './run.ts'

interface Entry {
  name: string
  /** tar's type flag: "0" file, "1" hard link, "2" symbolic link, "4" block device, "5" directory, "S" sparse file, "x" extended header. */
  type: '0' | '1' | '2' | '4' | '5' | 'S' | 'x'
  link?: string
  data?: Buffer
  device?: [number, number]
  /** Claimed instead of the length of `data`. */
  size?: number
  /** Of a sparse file once it is unpacked. */
  realSize?: number
}

const up = '../'.repeat(24)
const climbing = (bait: string): Entry[] => [file(`${up}tmp/gantry-escaped`), file(`${up}${bait.slice(1)}/escaped`)]
const file = (name: string): Entry => ({ name, type: '0', data: Buffer.from('escaped\n') })

/** Archives for `docker load` that a hostile sender could make. Those with `needsRefusal` are not images at all. */
export async function hostileArchives(directory: string): Promise<Record<string, { file: string; needsRefusal: boolean }>> {
  const place = path.join(directory, 'hostile')
  const bait = path.join(directory, 'bait')
  rmSync(place, { recursive: true, force: true })
  for (const each of [place, bait]) mkdirSync(each, { recursive: true })
  const busybox: Entry = { name: 'bin/busybox', type: '0', data: readFileSync('/bin/busybox') }
  const layers: Record<string, Entry[]> = {
    'path traversal': climbing(bait),
    'absolute link': [{ name: 'bait', type: '2', link: bait }, file('bait/escaped')],
    'traversal through a link': [{ name: 'up', type: '2', link: up }, file(`up${bait}/escaped`)],
    'device bomb': [busybox, { name: 'disk', type: '4', device: [254, 0] }, { name: 'mem', type: '4', device: [1, 1] }],
  }
  const archives: Record<string, { file: string; needsRefusal: boolean }> = {}
  const keep = (name: string, data: Buffer, needsRefusal: boolean) => {
    archives[name] = { file: path.join(place, `${name.replaceAll(' ', '-')}.tar`), needsRefusal }
    writeFileSync(archives[name].file, data)
  }
  for (const [name, entries] of Object.entries(layers)) keep(name, imageOf(tar(entries)), false)
  const good = imageOf(tar([busybox]))
  keep('truncated gzip', gzipSync(good).subarray(0, 100_000), true)
  keep('missing layer', imageOf(tar([busybox]), { withoutLayer: true }), true)
  keep('layer path outside', imageOf(tar([busybox]), { layerName: `${up}etc/hostname` }), true)
  // Our own writer made them: another program has to be able to read them.
  await must(['tar', '-tf', archives['device bomb']?.file ?? ''])
  return archives
}

/** Archives of files that a hostile sender could make, for import and for copies; `refused` ones are no archives at all. */
export function hostileTars(bait: string): Record<string, { bytes: Buffer; refused: boolean }> {
  const contained: Record<string, Entry[]> = {
    'absolute names': [file(`${bait}/escaped`), file('/gantry-escaped')],
    'a link out': [{ name: 'l', type: '2', link: bait }, file('l/escaped')],
    'a link up': [{ name: 'l', type: '2', link: `${up}${bait}` }, file('l/escaped')],
    'a link to a link out': [{ name: 'a', type: '2', link: 'b' }, { name: 'b', type: '2', link: bait }, file('a/escaped')],
    'a link in the place of a directory': [{ name: 'd/', type: '5' }, file('d/x'), { name: 'd', type: '2', link: bait }, file('d/escaped')],
    'a magic link': [{ name: 'l', type: '2', link: '/proc/self/cwd' }, file('l/escaped')],
    'duplicates': [file('x'), { name: 'x', type: '2', link: `${bait}/escaped` }, file('x')],
    'names that differ in case': [{ name: 'Dir', type: '2', link: bait }, { name: 'dir/', type: '5' }, file('DIR/x'), file('Dir/escaped')],
    'whiteouts of parents': [{ name: 'd/', type: '5' }, file('d/.wh...'), file('.wh..'), file('.wh.'), file('d/.wh.../x')],
    '10 GiB of holes': [{ name: 'sparse', type: 'S', realSize: 10 * 2 ** 30 }],
  }
  const refused: Record<string, Entry[]> = {
    'names that climb out': climbing(bait),
    'a hard link out': [{ name: 'h', type: '1', link: `${up}${bait.slice(1)}/secret` }],
    'a hard link to a file of the host': [{ name: 'h', type: '1', link: `${bait}/secret` }],
    'a hard link through a link out': [{ name: 'l', type: '2', link: bait }, { name: 'h', type: '1', link: 'l/secret' }],
    'an extended header of a gibibyte': [{ name: 'pax', type: 'x', size: 2 ** 30 }],
    'an extended header that lies': [{ name: 'pax', type: 'x', data: Buffer.from('99 path=../../x\n') }, file('y')],
    'a name with a NUL byte': [{ name: 'pax', type: 'x', data: Buffer.from('12 path=a\0b\n') }, file('y')],
    'a size beyond all files': [{ name: 'pax', type: 'x', data: Buffer.from('30 size=9999999999999999999999\n') }, file('y')],
  }
  const tars = (lists: Record<string, Entry[]>, isRefused: boolean) => Object.entries(lists).map(([name, entries]) => [name, { bytes: tar(entries), refused: isRefused }] as const)
  return Object.fromEntries([...tars(contained, false), ...tars(refused, true)])
}

function imageOf(layer: Buffer, options: { layerName?: string; withoutLayer?: boolean } = {}): Buffer {
  const layerName = options.layerName ?? 'layer.tar'
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
    history: [{ created: '2024-01-01T00:00:00Z' }],
  })
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`
  const manifest = JSON.stringify([{ Config: configName, RepoTags: ['hostile:latest'], Layers: [layerName] }])
  return tar([
    { name: configName, type: '0', data: Buffer.from(config) },
    ...(options.withoutLayer || options.layerName !== undefined ? [] : [{ name: layerName, type: '0', data: layer } satisfies Entry]),
    { name: 'manifest.json', type: '0', data: Buffer.from(manifest) },
  ])
}

/** A ustar archive, byte by byte: no program would write what these tests need. */
function tar(entries: Entry[]): Buffer {
  const blocks: Buffer[] = []
  for (const { name, type, link = '', data = Buffer.alloc(0), device: [major, minor] = [0, 0], size = data.length, realSize } of entries) {
    const header = Buffer.alloc(512)
    header.write(name, 0, 100)
    header.write(type === '5' || name.startsWith('bin/') ? '0000755\0' : '0000644\0', 100)
    header.write('0000000\x000000000\0', 108)
    header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
    header.write('00000000000\0', 136)
    header.write('        ', 148)
    header.write(type, 156)
    header.write(link, 157, 100)
    header.write(realSize === undefined ? 'ustar\x0000' : 'ustar  \0', 257)
    if (realSize !== undefined) header.write(`${realSize.toString(8).padStart(11, '0')}\0`, 483)
    header.write(`${major.toString(8).padStart(7, '0')}\0${minor.toString(8).padStart(7, '0')}\0`, 329)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    blocks.push(header, data, Buffer.alloc((512 - (data.length % 512)) % 512))
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}
