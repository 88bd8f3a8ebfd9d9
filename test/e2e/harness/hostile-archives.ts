import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { must } from './run.ts'

interface Entry {
  name: string
  /** tar's type flag: "0" file, "2" symbolic link, "4" block device, "5" directory. */
  type: '0' | '2' | '4' | '5'
  link?: string
  data?: Buffer
  device?: [number, number]
}

const file = (name: string): Entry => ({ name, type: '0', data: Buffer.from('escaped\n') })

/** Archives for `docker load` that a hostile sender could make. Those with `needsRefusal` are not images at all. */
export async function hostileArchives(directory: string): Promise<Record<string, { file: string; needsRefusal: boolean }>> {
  const place = path.join(directory, 'hostile')
  const bait = path.join(directory, 'bait')
  rmSync(place, { recursive: true, force: true })
  for (const each of [place, bait]) mkdirSync(each, { recursive: true })
  const up = '../'.repeat(24)
  const busybox: Entry = { name: 'bin/busybox', type: '0', data: readFileSync('/bin/busybox') }
  const layers: Record<string, Entry[]> = {
    'path traversal': [file(`${up}tmp/gantry-escaped`), file(`${up}${bait.slice(1)}/escaped`)],
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
  for (const { name, type, link = '', data = Buffer.alloc(0), device: [major, minor] = [0, 0] } of entries) {
    const header = Buffer.alloc(512)
    header.write(name, 0, 100)
    header.write(type === '5' || name.startsWith('bin/') ? '0000755\0' : '0000644\0', 100)
    header.write('0000000\x000000000\0', 108)
    header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124)
    header.write('00000000000\0', 136)
    header.write('        ', 148)
    header.write(type, 156)
    header.write(link, 157, 100)
    header.write('ustar\x0000', 257)
    header.write(`${major.toString(8).padStart(7, '0')}\0${minor.toString(8).padStart(7, '0')}\0`, 329)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    blocks.push(header, data, Buffer.alloc((512 - (data.length % 512)) % 512))
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}
