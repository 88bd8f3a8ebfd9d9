import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { classicBuild } from './harness/classic-build.ts'
import type { Client } from './harness/client.ts'
import { configCases, fileCases, refusalCases } from './harness/build-cases.ts'
import type { Engine } from './harness/engine.ts'
import { assertNothingLeftOfContainers, type Footprint, takeFootprint } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { onOneEngine } from './harness/one-engine.ts'
import { engineUnderTest } from './harness/stories.ts'

/** Instructions that make a layer, of a build's own account of its steps. */
function layersOf(text: string): number {
  return text.match(/^Step \d+\/\d+ : (?:RUN|COPY|ADD|WORKDIR)\b/gim)?.length ?? 0
}

void describe('Dockerfiles', { concurrency: 3, skip: engineUnderTest !== 'gantryd' && 'its builder is another' }, () => {
  let engine: Engine
  let docker: Client
  let clean: Footprint

  onOneEngine(
    async (own) => {
      ;({ engine, docker } = own)
      clean = await takeFootprint(engine)
      await provideImages(docker, [tiny])
    },
    async () => {
      await assertNothingLeftOfContainers(engine, clean)
    },
  )

  /** The second time all of it comes from the cache, and is the same image. */
  const buildTwice = async (dockerfile: string, options: Parameters<typeof classicBuild>[2], cached?: number): Promise<string> => {
    const file = /^\s*FROM/m.test(dockerfile) ? dockerfile : `FROM tiny\n${dockerfile}`
    const first = await classicBuild(engine, file, options)
    assert.equal(first.error, undefined)
    const second = await classicBuild(engine, file, options)
    assert.deepEqual([second.error, second.imageId, second.cached], [undefined, first.imageId, cached ?? layersOf(second.text)])
    return first.imageId!
  }

  for (const { says, file, files = {}, query = {}, run, prints, cached } of fileCases) {
    void test(says, async () => {
      const image = await buildTwice(file, { files, query }, cached)
      assert.equal(await docker.ok('run', '--rm', '--net', 'none', image, 'sh', '-c', run), prints)
    })
  }

  for (const { says, file, query = {}, config } of configCases) {
    void test(says, async () => {
      const image = await buildTwice(file, { query })
      const { Config } = JSON.parse((await engine.api({ path: `/images/${image}/json` })).text) as { Config: Record<string, unknown> }
      assert.deepEqual(Object.fromEntries(Object.keys(config).map((name) => [name, Config[name]])), config)
    })
  }

  for (const [dockerfile, error] of refusalCases) {
    void test(`${JSON.stringify(dockerfile)} is refused`, async () => {
      assert.match((await classicBuild(engine, dockerfile)).error ?? '', error)
    })
  }
})
