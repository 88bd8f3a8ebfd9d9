import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'
import { type Client, makeClient } from './harness/client.ts'
import { type Engine, startEngine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { findProgram } from './harness/program.ts'
import { type Registry, startRegistry } from './harness/registry.ts'
import { must } from './harness/run.ts'

/** kill -9 of the daemon at random moments of pulls and loads; `GANTRY_E2E_KILLS` is how often. */
const kills = Number(process.env.GANTRY_E2E_KILLS ?? 6)
const name = '127.0.0.1:5000/killed:1'

void describe('a daemon that is killed while an image comes', { concurrency: false, skip: findProgram('docker-registry') === undefined && 'docker-registry is not here' }, () => {
  let engine: Engine
  let client: Client
  let registry: Registry
  let archive = ''
  let imageId = ''
  let usual = 0
  const id = (reference: string) => client.ok('inspect', '-f', '{{.Id}}', reference)

  before(async () => {
    engine = await startEngine({ kind: 'gantryd' })
    client = makeClient('docker', engine)
    registry = await startRegistry(engine, { address: '127.0.0.1:5000' })
    archive = await makeArchive(engine.directory)
    await client.ok('load', '-q', '-i', archive)
    imageId = await id(name)
    await client.ok('push', '-q', name)
    await client.ok('rmi', name)
    const begin = performance.now()
    await client.ok('pull', '-q', name)
    usual = performance.now() - begin
    await client.ok('rmi', name)
  })
  after(async () => {
    await registry?.stop()
    await engine?.remove()
  })

  for (const how of ['pull', 'load'] as const) {
    const words = (): string[] => (how === 'pull' ? ['pull', '-q', name] : ['load', '-q', '-i', archive])
    void test(`during a ${how} leaves a store that works and goes on`, async () => {
      const empty = kept(engine)
      for (let round = 0; round < kills; round++) {
        const moment = Math.random() * usual * 1.1
        const running = client.docker(...words())
        await sleep(moment)
        await engine.kill9()
        await running
        await engine.start()
        const told = `killed after ${moment.toFixed(0)} of ${usual.toFixed(0)} ms`
        const found = await client.docker('inspect', '-f', '{{.Id}}', name)
        // All of it or nothing, once what was half made is swept.
        if (found.code === 0) assert.equal(found.stdout.trim(), imageId, told)
        else await eventually(() => assert.deepEqual(kept(engine), empty, told))
        await client.ok(...words())
        assert.equal(await id(name), imageId, told)
        assert.equal(await client.ok('save', name, '-o', path.join(engine.directory, 'whole.tar')), '')
        await client.ok('rmi', name)
        assert.deepEqual(kept(engine), empty, told)
        assert.deepEqual(readdirSync(path.join(engine.dataRoot, 'content/ingest')), [], told)
      }
    })
  }
})

/** Blobs and layers, but for downloads that wait to be gone on with. */
function kept(engine: Engine): string[] {
  return ['content/blobs/sha256', 'overlay2'].flatMap((place) => readdirSync(path.join(engine.dataRoot, place)).map((entry) => `${place}/${entry}`))
}

/** Three layers, of which one does not compress. */
async function makeArchive(directory: string): Promise<string> {
  await must(['sh', '-ec', `mkdir ${directory}/parts && cd ${directory}/parts
for n in 1 2 3; do mkdir $n; seq 1 300000 > $n/numbers; head -c $((n * 4000000)) /dev/urandom > $n/noise; for i in $(seq 1 200); do echo $i > $n/file-$n-$i; done; tar -C $n -cf $n.tar .; done
printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s","sha256:%s"]}}' $(sha256sum < 1.tar | cut -c-64) $(sha256sum < 2.tar | cut -c-64) $(sha256sum < 3.tar | cut -c-64) > config.json
printf '[{"Config":"config.json","RepoTags":["${name}"],"Layers":["1.tar","2.tar","3.tar"]}]' > manifest.json
tar -cf ../killed.tar manifest.json config.json 1.tar 2.tar 3.tar; rm -r ../parts`])
  return path.join(directory, 'killed.tar')
}
