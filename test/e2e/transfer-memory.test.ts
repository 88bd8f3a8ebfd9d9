import assert from 'node:assert/strict'
import { createHash, randomFillSync } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { sweep } from './harness/private-directory.ts'
import { read } from './harness/processes.ts'
import { program } from './harness/program.ts'
import { type Registry, startRegistry } from './harness/registry.ts'
import { must } from './harness/run.ts'
import { engineUnderTest } from './harness/stories.ts'

/** Bytes of images, and of how many layers. */
const sizes = { small: { layers: 3, bytes: 12 << 20 }, large: { layers: 24, bytes: 240 << 20 } } as const
/** The kernel's high-water marks waver by what the last garbage collection happened to leave. */
const mostGrowth = 1.2
const remote = '127.0.0.1:5000/memory:1'

void describe('memory of the daemon', { concurrency: false, skip: engineUnderTest !== 'gantryd' }, () => {
  let engine: Engine
  let docker: Client
  let registry: Registry
  before(async () => {
    await sweep()
    engine = await startEngine({ kind: 'gantryd' })
    docker = makeClient('docker', engine)
    registry = await startRegistry(engine, { address: '127.0.0.1:5000' })
  })
  after(async () => {
    await registry.stop()
    await engine.remove()
  })

  /** KiB at the highest while the client runs. */
  const peakOf = async (...words: string[]): Promise<number> => {
    writeFileSync(`/proc/${engine.pid()}/clear_refs`, '5')
    await docker.ok(...words)
    return Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${engine.pid()}/status`))?.[1])
  }
  /** Everything that moves an image, from an empty store to an empty store. */
  const tour = async (size: keyof typeof sizes): Promise<Record<string, number>> => {
    const archive = await archiveOf(engine.directory, size)
    const saved = path.join(engine.directory, 'saved.tar')
    const peaks: Record<string, number> = { load: await peakOf('load', '-q', '-i', archive) }
    peaks['save of what was loaded'] = await peakOf('save', '-o', saved, size)
    await docker.ok('tag', size, remote)
    peaks['push of what was loaded'] = await peakOf('push', '-q', remote)
    await docker.ok('rmi', size, remote)
    peaks['pull'] = await peakOf('pull', '-q', remote)
    peaks['save of what was pulled'] = await peakOf('save', '-o', saved, remote)
    rmSync(path.join(registry.directory, 'data'), { recursive: true, force: true })
    peaks['push of what was pulled'] = await peakOf('push', '-q', remote)
    await docker.ok('rmi', remote)
    rmSync(saved)
    return peaks
  }

  void test('the largest that it gets is the same for an image of twenty times the size and eight times the layers', async () => {
    // The first tour is for what is loaded once.
    await tour('small')
    const small = await tour('small')
    const large = await tour('large')
    const growth = Object.fromEntries(Object.entries(large).map(([title, peak]) => [title, peak / Math.max(...Object.values(small))]))
    for (const [title, ratio] of Object.entries(growth)) assert.ok(ratio < mostGrowth, `${title}: ${JSON.stringify({ small, large, growth })}`)
  })
})

/** A docker-archive; half of each layer compresses, half does not. */
async function archiveOf(directory: string, size: keyof typeof sizes): Promise<string> {
  const { layers, bytes } = sizes[size]
  const scratch = path.join(directory, size)
  mkdirSync(scratch)
  const text = readFileSync(program('docker')).subarray(0, 1 << 20)
  const diffIds: string[] = []
  for (let at = 0; at < layers; at++) {
    const file = openSync(path.join(scratch, 'file'), 'w')
    for (let left = bytes / layers; left > 0; left -= 1 << 20) writeSync(file, left % (2 << 20) === 0 ? randomFillSync(Buffer.alloc(1 << 20)) : Buffer.concat([randomFillSync(Buffer.alloc(16)), text.subarray(16)]))
    closeSync(file)
    await must(['tar', '-C', scratch, '-cf', path.join(scratch, `${at}.tar`), 'file'])
    diffIds.push(`sha256:${createHash('sha256').update(readFileSync(path.join(scratch, `${at}.tar`))).digest('hex')}`)
  }
  const names = diffIds.map((_, at) => `${at}.tar`)
  writeFileSync(path.join(scratch, 'config.json'), JSON.stringify({ architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } }))
  writeFileSync(path.join(scratch, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [`${size}:latest`], Layers: names }]))
  await must(['tar', '-C', scratch, '-cf', `${scratch}.tar`, 'manifest.json', 'config.json', ...names])
  rmSync(scratch, { recursive: true })
  return `${scratch}.tar`
}
