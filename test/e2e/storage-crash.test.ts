import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { assertNothingLeftOfEngine } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { mountsOf, sweep } from './harness/private-directory.ts'
import { type Registry, startRegistry } from './harness/registry.ts'
import { engineUnderTest } from './harness/stories.ts'

/** `GANTRY_KILL_POINTS=100` for a long run. */
const points = Number(process.env.GANTRY_KILL_POINTS ?? 10)
const remote = '127.0.0.1:5000/crash:1'

void describe('storage and kill -9', { concurrency: false, skip: engineUnderTest !== 'gantryd' }, () => {
  let engine: Engine
  let docker: Client
  let gantry: Client
  let registry: Registry
  const kept = () => path.join(engine.directory, 'kept.tar')

  before(async () => {
    await sweep()
    engine = await startEngine({ kind: 'gantryd' })
    docker = makeClient('docker', engine)
    gantry = makeClient('gantry', engine)
    registry = await startRegistry(engine, { address: '127.0.0.1:5000' })
    await provideImages(docker, [tiny])
    await docker.ok('import', layeredArchive(engine.directory), 'base')
    await docker.ok('create', '--name', 'maker', 'base', '/none')
    for (const number of [1, 2, 3]) await docker.ok('commit', 'maker', `made:${number}`)
    await docker.ok('tag', 'made:3', remote)
    await docker.ok('push', remote)
    await docker.ok('save', '-o', kept(), 'made:1', 'made:2')
    await docker.ok('rm', 'maker')
    await docker.ok('rmi', 'made:1', 'made:2', 'made:3', remote, 'base')
    await docker.ok('run', '--name', 'stands', tiny, 'sh', '-c', 'echo kept > /kept; rm /etc/group')
  })
  after(async () => {
    await registry.stop()
    await engine.shutDown()
    await assertNothingLeftOfEngine(engine)
    await engine.remove()
  })

  /** What may be under way when the daemon is killed, and what undoes it. */
  const acts: Record<string, { act: () => string[]; undo: string[][] }> = {
    pull: { act: () => ['pull', remote], undo: [['rmi', '-f', remote]] },
    load: { act: () => ['load', '-i', kept()], undo: [['rmi', '-f', 'made:1'], ['rmi', '-f', 'made:2']] },
    commit: { act: () => ['commit', 'stands', 'made:4'], undo: [['rmi', '-f', 'made:4']] },
    prune: { act: () => ['image', 'prune', '-f', '-a', '--filter', 'label!=none'], undo: [] },
    switch: { act: () => ['storage', 'switch', 'vfs'], undo: [] },
  }

  test(`killed at ${points} moments of pull, load, commit, prune and switch, the store stays whole and nothing leaks`, async () => {
    const seed = Date.now() % 1_000_000
    let state = seed
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
    const names = Object.keys(acts)
    for (let point = 0; point < points; point++) {
      const name = names[point % names.length]!
      const where = `point ${point}, ${name}, seed ${seed}`
      if (name === 'prune') await docker.ok('load', '-i', kept())
      const args = name === 'switch' ? ['storage', 'switch', (await docker.ok('info', '-f', '{{.Driver}}')) === 'vfs' ? 'overlay2' : 'vfs'] : acts[name]!.act()
      const client = spawn(gantry.program, args, { env: gantry.env, stdio: 'ignore' })
      const ended = once(client, 'exit')
      await sleep(40 + random() * 260)
      await engine.kill9()
      await engine.start()
      await ended
      assert.match(await gantry.ok('system', 'check', '--full'), /: clean$/, where)
      assert.deepEqual(mountsOf(engine.dataRoot), [], where)
      assert.equal(await docker.ok('run', '--rm', tiny, 'echo', 'works'), 'works', where)
      assert.equal(await docker.ok('cp', 'stands:/kept', '-').then((text) => text.includes('kept')), true, where)
      for (const undo of acts[name]!.undo) await docker.docker(...undo)
    }
    // The interrupted go through, and when all is removed all is given back.
    for (const [name, { act, undo }] of Object.entries(acts)) {
      if (name === 'switch') continue
      await gantry.ok(...act())
      for (const words of undo) await docker.ok(...words)
    }
    await docker.ok('rm', 'stands')
    await docker.docker('rmi', '-f', tiny)
    await gantry.docker('storage', 'switch', '--forget')
    assert.match(await gantry.ok('system', 'check'), /^Checked 0 blobs, 0 images, 0 layers, 0 container snapshots: clean$/)
    assert.deepEqual(filesIn(engine.dataRoot), [])
  })
})

/** Files of images and containers; a part of a download is kept for the next try on purpose. */
function filesIn(dataRoot: string): string[] {
  const found = execFileSync('find', [...['content', 'overlay2', 'vfs', 'containers'].filter((name) => existsSync(path.join(dataRoot, name))), '-type', 'f', '-not', '-path', '*/ingest/partial-*'], { cwd: dataRoot, encoding: 'utf8' })
  return found.split('\n').filter((line) => line !== '')
}

/** A root of 300 files and 12 MB that do not compress. */
function layeredArchive(directory: string): string {
  const root = mkdtempSync(path.join(directory, 'root-'))
  for (let at = 0; at < 300; at++) {
    mkdirSync(path.join(root, `d${at % 20}`), { recursive: true })
    writeFileSync(path.join(root, `d${at % 20}/f${at}`), Buffer.alloc(40_000, `${at}${Math.random()}`))
  }
  const archive = `${root}.tar`
  execFileSync('tar', ['-C', root, '-cf', archive, ...readdirSync(root)])
  rmSync(root, { recursive: true })
  return archive
}
