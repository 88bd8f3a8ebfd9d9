import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { classicBuild } from './harness/classic-build.ts'
import type { Client } from './harness/client.ts'
import type { Engine } from './harness/engine.ts'
import { projectRoot } from './harness/program.ts'
import { onOneEngine } from './harness/one-engine.ts'
import { engineUnderTest } from './harness/stories.ts'

/** Made by scripts/setup with debootstrap, once for each machine. */
const debian = path.join(projectRoot, 'build/test-images/debian-gcc.tar')
const skip = engineUnderTest !== 'gantryd' ? 'its builder is another' : !existsSync(debian) && 'scripts/setup could not make a Debian here'

const source = (word: string): string => `#include <pwd.h>\n#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf("${word} %d\\n", getuid()); return 0; }\n`

void describe('a C program on Debian', { concurrency: false, skip }, () => {
  let engine: Engine
  let docker: Client

  onOneEngine(async (own) => {
    ;({ engine, docker } = own)
    await docker.ok('import', '-c', 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin', debian, 'debian')
  })

  void test('is compiled and linked by the packages, and stands alone in the last of three stages', async () => {
    const file = `FROM debian AS tools
RUN useradd --uid 1234 --create-home builder && dpkg -s gcc > /dev/null
FROM tools AS compile
USER builder
WORKDIR /home/builder
COPY --chown=builder main.c ./
RUN gcc -O2 -static -o hello main.c && ./hello > output
FROM scratch
COPY --from=compile /home/builder/hello /hello
COPY --from=compile /etc/passwd /etc/passwd
USER builder
ENTRYPOINT ["/hello"]
`
    const first = await classicBuild(engine, file, { files: { 'main.c': source('hello') }, query: { t: 'hello' } })
    assert.equal(first.error, undefined)
    assert.equal(await docker.ok('run', '--rm', 'hello'), 'hello 1234')
    assert.equal(JSON.parse(await docker.ok('inspect', '-f', '{{json .RootFS.Layers}}', 'hello')).length, 2)
    const second = await classicBuild(engine, file, { files: { 'main.c': source('goodbye') }, query: { t: 'hello' } })
    assert.deepEqual([second.error, second.cached], [undefined, 2], 'the user and the directory')
    assert.equal(await docker.ok('run', '--rm', 'hello'), 'goodbye 1234')
  })
})
