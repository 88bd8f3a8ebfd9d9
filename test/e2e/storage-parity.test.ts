import assert from 'node:assert/strict'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, type EngineKind, startEngine } from './harness/engine.ts'
import { provideImages, tiny } from './harness/image.ts'
import { makePrivateDirectory, removePrivateDirectory, sweep } from './harness/private-directory.ts'
import { findProgram } from './harness/program.ts'
import { must } from './harness/run.ts'

/** Rows that came after Debian's dockerd, of 20.10, or are ours; and those that Docker shows no more. */
const later: Record<string, string[]> = { overlay2: ['Using metacopy'], btrfs: ['Btrfs'], 'fuse-overlayfs': ['Backing Filesystem', 'Native Overlay Diff'] }
const dropped = ['Build Version', 'Library Version']

/** On the same place each in turn: what a driver says of itself, by the stock client. */
void describe('storage drivers beside those of dockerd', { concurrency: false, skip: !findProgram('dockerd') && 'dockerd is not installed' }, () => {
  for (const driver of ['overlay2', 'vfs', 'btrfs', 'fuse-overlayfs']) {
    const program = driver === 'btrfs' ? 'mkfs.btrfs' : driver
    const lacks = (driver === 'btrfs' || driver === 'fuse-overlayfs') && !findProgram(program) && `${program} is not installed`
    test(`${driver} shows the rows that dockerd shows`, { skip: lacks }, async (t) => {
      await sweep()
      const theirs = await rows('dockerd', driver)
      if (typeof theirs === 'string') return t.skip(theirs)
      const ours = await rows('gantryd', driver)
      assert.notEqual(typeof ours, 'string', String(ours))
      const names = (ours as [string, string][]).map(([name]) => name).filter((name) => !later[driver]?.includes(name))
      assert.deepEqual(names, theirs.map(([name]) => name).filter((name) => !dropped.includes(name) && !later[driver]?.includes(name)))
      for (const [name, value] of theirs) if (/^Backing|^Supports|^Native/.test(name)) assert.equal((ours as [string, string][]).find(([own]) => own === name)?.[1], value, name)
    })
  }

  for (const kind of ['dockerd', 'gantryd'] as const) {
    test(`${kind} shows no image of another driver, and all again after a switch back`, async () => {
      await sweep()
      await using at = await engineOn(kind, '')
      await restartWith(at.engine, 'overlay2')
      await provideImages(at.docker, [tiny])
      const listing = () => at.docker.ok('images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}')
      const images = await listing()
      await at.docker.ok('create', '--name', 'stays', tiny, 'true')
      await restartWith(at.engine, 'vfs')
      assert.equal(await at.docker.ok('info', '-f', '{{.Driver}}'), 'vfs')
      assert.equal(await at.docker.ok('images', '-q'), '')
      assert.equal(await at.docker.ok('ps', '-aq'), '')
      assert.match((await at.docker.docker('run', '--rm', '--pull', 'never', tiny, 'true')).stderr, /No such image/)
      await restartWith(at.engine, 'overlay2')
      assert.equal(await listing(), images)
      assert.equal(await at.docker.ok('ps', '-a', '--format', '{{.Names}}'), 'stays')
      await at.docker.ok('rm', 'stays')
    })
  }
})

async function restartWith(engine: Engine, driver: string): Promise<void> {
  await engine.stop()
  writeFileSync(path.join(engine.directory, 'daemon.json'), JSON.stringify({ 'storage-driver': driver }))
  await engine.start()
}

interface Running extends AsyncDisposable {
  engine: Engine
  docker: Client
}

async function engineOn(kind: EngineKind, driver: string): Promise<Running> {
  const home = makePrivateDirectory()
  const dataRoot = path.join(home, 'root')
  mkdirSync(dataRoot)
  const remove = (): Promise<void> => removePrivateDirectory(home)
  if (driver === 'btrfs') await mountBtrfs(path.join(home, 'image'), dataRoot)
  const apart = kind === 'dockerd' ? ['--bridge', 'none', '--iptables=false'] : []
  const engine = await startEngine({ kind, flags: ['--data-root', dataRoot, ...apart, ...(driver === '' ? [] : ['--storage-driver', driver])] }).catch(async (error: unknown) => {
    await remove()
    throw error
  })
  const dispose = async (): Promise<void> => {
    await engine.shutDown()
    await engine.remove()
    await remove()
  }
  return { engine, docker: makeClient('docker', engine), [Symbol.asyncDispose]: dispose }
}

async function mountBtrfs(image: string, directory: string): Promise<void> {
  writeFileSync(image, '')
  truncateSync(image, 256 << 20)
  await must(['mkfs.btrfs', '-q', image])
  await must(['mount', '-o', 'loop', image, directory])
}

/** @returns why this host cannot tell */
async function rows(kind: EngineKind, driver: string): Promise<[string, string][] | string> {
  try {
    await using at = await engineOn(kind, driver)
    return (JSON.parse(await at.docker.ok('info', '-f', '{{json .DriverStatus}}')) as [string, string][] | null) ?? []
  } catch (error) {
    return String(error)
  }
}
