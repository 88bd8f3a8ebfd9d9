import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { assertNothingLeftOfEngine } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { mountsOf, sweep } from './harness/private-directory.ts'
import { findProgram } from './harness/program.ts'
import { engineUnderTest } from './harness/stories.ts'

for (const driver of ['overlay2', 'vfs', ...(findProgram('fuse-overlayfs') ? ['fuse-overlayfs'] : [])]) {
  void describe(`gantry fs on ${driver}`, { concurrency: false, skip: engineUnderTest !== 'gantryd' }, () => {
    let engine: Engine
    let docker: Client
    let gantry: Client
    before(async () => {
      await sweep()
      engine = await startEngine({ kind: 'gantryd', flags: ['--storage-driver', driver] })
      docker = makeClient('docker', engine)
      gantry = makeClient('gantry', engine)
      await provideImages(docker, [tiny])
    })
    after(async () => {
      await docker.docker('rm', '-f', 'seen')
      await engine.shutDown()
      await assertNothingLeftOfEngine(engine)
      await engine.remove()
    })
    const views = () => mountsOf(path.join(engine.execRoot, 'fs'))
    /** Starts `gantry fs seen`. @returns the path that it tells */
    const show = async (): Promise<{ at: string; interrupt: () => boolean; ended: Promise<string> }> => {
      const client = spawn(gantry.program, ['fs', 'seen'], { env: gantry.env, stdio: ['ignore', 'pipe', 'pipe'] })
      const ended = Promise.all([once(client, 'close'), client.stderr.toArray()]).then(([, said]) => Buffer.concat(said as Buffer[]).toString())
      const [at] = (await once(createInterface(client.stdout), 'line')) as [string]
      return { at, interrupt: () => client.kill('SIGINT'), ended }
    }

    test('a file system is seen and not written, and follows its container', async () => {
      await docker.ok('run', '--name', 'seen', tiny, 'sh', '-c', '[ -e /first ] && exec sleep 99; echo first > /first; rm /etc/group')
      const { at, interrupt, ended } = await show()
      assert.equal(readFileSync(path.join(at, 'first'), 'utf8'), 'first\n')
      assert.equal(existsSync(path.join(at, 'etc/group')), false)
      assert.throws(() => writeFileSync(path.join(at, 'first'), 'mine'), { code: 'EROFS' })
      assert.throws(() => writeFileSync(path.join(at, 'new'), 'mine'), { code: 'EROFS' })
      assert.match(await gantry.ok('system', 'check'), /: clean$/)
      // Another looks at the same, by a command, and leaves the mount to the first.
      assert.equal(await gantry.ok('fs', 'seen', 'sh', '-c', 'cat first; pwd'), `first\n${at}`)
      assert.equal((await gantry.docker('fs', 'seen', 'sh', '-c', 'exit 7')).code, 7)
      await docker.ok('cp', path.join(engine.directory, 'daemon.json'), 'seen:/copied')
      await eventually(() => assert.ok(existsSync(path.join(at, 'copied'))))
      await docker.ok('start', 'seen')
      await docker.ok('exec', 'seen', 'sh', '-c', 'echo live > /live')
      await eventually(() => assert.equal(readFileSync(path.join(at, 'live'), 'utf8'), 'live\n'))
      assert.throws(() => writeFileSync(path.join(at, 'live'), 'mine'), { code: 'EROFS' })
      await docker.ok('kill', 'seen')
      await eventually(() => assert.equal(readFileSync(path.join(at, 'live'), 'utf8'), 'live\n'))
      interrupt()
      await ended
      // The driver's own mount goes after the view that stood on it.
      await eventually(() => assert.deepEqual([...views(), ...mountsOf(engine.dataRoot)], []))
      assert.match(await gantry.ok('system', 'check'), /: clean$/)
    })

    test('a view follows its container to another driver', { skip: driver !== 'overlay2' }, async () => {
      const { at, interrupt, ended } = await show()
      await gantry.ok('storage', 'switch', 'vfs')
      await eventually(() => assert.equal(readFileSync(path.join(at, 'live'), 'utf8'), 'live\n'))
      assert.throws(() => writeFileSync(path.join(at, 'live'), 'mine'), { code: 'EROFS' })
      assert.match(await gantry.ok('storage', 'switch', '--forget'), /Forgotten: overlay2/)
      assert.equal(readFileSync(path.join(at, 'first'), 'utf8'), 'first\n')
      interrupt()
      await ended
      await eventually(() => assert.deepEqual(views(), []))
      await gantry.ok('storage', 'switch', 'overlay2')
      assert.match(await gantry.ok('system', 'check', '--full'), /: clean$/)
    })

    test('the mount ends with the container and with the engine, a killed one too', async () => {
      const first = await show()
      await docker.ok('rm', 'seen')
      assert.match(await first.ended, /container seen was removed/)
      assert.deepEqual(views(), [])
      assert.match((await gantry.docker('fs', 'seen')).stderr, /No such container: seen/)
      await docker.ok('create', '--name', 'seen', tiny, 'true')
      for (const end of ['kill9', 'stop'] as const) {
        const { ended } = await show()
        await engine[end]()
        assert.notEqual(await ended, '')
        await engine.start()
        assert.deepEqual(views(), [], end)
        assert.deepEqual(readdirSync(path.join(engine.execRoot, 'fs')), [], end)
        assert.deepEqual(mountsOf(engine.dataRoot), [], end)
      }
      await docker.ok('rm', 'seen')
    })
  })
}
