import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { classicBuild } from './harness/classic-build.ts'
import { type Client, makeClient } from './harness/client.ts'
import type { Engine } from './harness/engine.ts'
import { assertNothingLeftOfContainers, type Footprint, takeFootprint } from './harness/footprint.ts'
import { provideImages, tiny } from './harness/image.ts'
import { onOneEngine } from './harness/one-engine.ts'
import { engineUnderTest } from './harness/stories.ts'

/** `GANTRY_KILL_POINTS=100` for a long run. */
const points = Number(process.env.GANTRY_KILL_POINTS ?? 8)

void describe('builds and kill -9', { concurrency: false, skip: engineUnderTest !== 'gantryd' }, () => {
  let engine: Engine
  let docker: Client
  let gantry: Client
  let clean: Footprint

  onOneEngine(async (own) => {
    ;({ engine, docker } = own)
    gantry = makeClient('gantry', engine)
    clean = await takeFootprint(engine)
    await provideImages(docker, [tiny])
  })

  void test(`killed at ${points} moments, a build leaves nothing and can be repeated`, async () => {
    const files = Object.fromEntries(Array.from({ length: 400 }, (_, number) => [`words/${number % 20}/${number}`, 'word\n'.repeat(1000)]))
    const started = performance.now()
    await classicBuild(engine, file(0), { files })
    const whole = performance.now() - started
    for (let point = 1; point <= points; point++) {
      const building = classicBuild(engine, file(point), { files }).catch(() => undefined)
      await sleep((whole * point) / points)
      await engine.kill9()
      await building
      await engine.start()
      await assertNothingLeftOfContainers(engine, clean)
      assert.deepEqual(readdirSync(path.join(engine.execRoot, 'build/mounts'), { recursive: true }), [])
      assert.match(await gantry.ok('system', 'check'), /: clean$/)
      const { error, imageId } = await classicBuild(engine, file(point), { files })
      assert.equal(error, undefined)
      assert.equal(await docker.ok('run', '--rm', imageId!, 'sh', '-c', 'cat /both; ls /a /w 2>/dev/null | wc -l'), `${point}\n${point}\n11`)
    }
  })
})

function file(number: number): string {
  return `FROM tiny AS a
RUN echo ${number} > /a; mkdir /many; for i in 1 2 3 4 5 6 7 8 9; do head -c 10000 /dev/urandom > /many/$i; done
RUN --mount=type=cache,target=/c,id=kills sleep 0.05; rm -r /home; cp -a /many /more
FROM tiny AS b
COPY words /w/
RUN --mount=type=tmpfs,target=/t --mount=target=/words,source=words,rw --mount=from=a,target=/from rm -r /words/1; cp -a /words/2 /t; sleep 0.02; echo ${number} > /b
FROM tiny
COPY --from=a /a /many /a/
COPY --link --from=b /b /b
RUN cat /a/a /b > /both
`
}
