import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { onOneMachine } from './harness/stage.ts'

/** What a kernel before 6.5 makes of overlays; the tests elsewhere run on whatever kernel the host has. */
onOneMachine('images on the kernel of Debian 12', (stage) => {
  for (const layers of [3, 100]) {
    test(`an image of ${layers} layers shows the files of all of them and takes new ones`, async () => {
      await stage.must(`echo ${archive(layers)} | base64 -d | docker load`)
      const script = `/busybox cat /layer-1 /layer-${layers} /all; /busybox touch /layer-1 /new; /busybox ls -A / | /busybox grep -c layer`
      const output = await stage.ok('run', '--rm', '-v', '/bin/busybox:/busybox:ro', `layers:${layers}`, '/busybox', 'sh', '-c', script)
      assert.equal(output, `1\n${layers}\n${layers}\n${layers}`)
    })
  }
})

/** A docker-archive as base64: layer n holds `layer-n`, and replaces `all`. Both say n. */
function archive(layers: number): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-layers-'))
  try {
    const numbers = Array.from({ length: layers }, (_, index) => String(index + 1))
    const layerOf = (number: string) => {
      for (const name of [`layer-${number}`, 'all']) writeFileSync(path.join(directory, name), `${number}\n`)
      execFileSync('tar', ['-C', directory, '-cf', path.join(directory, `${number}.tar`), `layer-${number}`, 'all'])
      return `sha256:${createHash('sha256').update(readFileSync(path.join(directory, `${number}.tar`))).digest('hex')}`
    }
    const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: numbers.map(layerOf) } }
    writeFileSync(path.join(directory, 'config.json'), JSON.stringify(config))
    const manifest = [{ Config: 'config.json', RepoTags: [`layers:${layers}`], Layers: numbers.map((number) => `${number}.tar`) }]
    writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify(manifest))
    const members = ['manifest.json', 'config.json', ...numbers.map((number) => `${number}.tar`)]
    return execFileSync('tar', ['-C', directory, '-cz', ...members]).toString('base64')
  } finally {
    rmSync(directory, { recursive: true })
  }
}
