import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { classicBuild, type Files } from './harness/classic-build.ts'
import type { Client } from './harness/client.ts'
import type { Engine } from './harness/engine.ts'
import { eventually } from './harness/eventually.ts'
import { nodeArchive, npm } from './harness/node-image.ts'
import { onOneEngine } from './harness/one-engine.ts'
import { engineUnderTest } from './harness/stories.ts'

const skip = engineUnderTest !== 'gantryd' ? 'its builder is another' : npm === undefined && 'not installed: npm'

const files = (word: string, version = '1.0.0'): Files => ({
  'greeting/package.json': JSON.stringify({ name: 'greeting', version: '1.0.0', main: 'index.js' }),
  'greeting/index.js': "exports.greet = (name) => 'hello ' + name\n",
  'package.json': JSON.stringify({ name: 'service', version, dependencies: { greeting: 'file:/greeting' } }),
  'server.js': `const { greet } = require('greeting')\nrequire('node:http').createServer((_, response) => response.end(greet('${word}'))).listen(process.env.PORT)\n`,
})

void describe('a Node service', { concurrency: false, skip }, () => {
  let engine: Engine
  let docker: Client

  onOneEngine(async (own) => {
    ;({ engine, docker } = own)
    await docker.ok('import', '-c', 'ENV PATH=/bin', await nodeArchive(engine.directory), 'node')
  })

  const file = `FROM node AS dependencies
WORKDIR /app
COPY greeting /greeting
COPY package.json ./
RUN --mount=type=cache,target=/root/.npm,id=npm ls /root/.npm | wc -l && npm install --install-links --no-audit --no-fund --offline
FROM node
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY server.js ./
ENV PORT=8080
EXPOSE 8080
CMD ["node", "server.js"]
`
  void test('is built with a cache of packages that stays, and serves', async () => {
    const first = await classicBuild(engine, file, { files: files('world'), query: { t: 'service' } })
    assert.equal(first.error, undefined)
    assert.match(first.text, /^0\n[^]*added 1 package/m)
    const serves = async (word: string): Promise<void> => {
      await using container = await docker.container('service')
      await eventually(async () => assert.equal(await docker.ok('exec', container.id, 'wget', '-qO-', 'http://127.0.0.1:8080/'), `hello ${word}`))
    }
    await serves('world')
    // The service changes, its packages do not.
    const second = await classicBuild(engine, file, { files: files('moon'), query: { t: 'service' } })
    assert.deepEqual([second.error, second.cached], [undefined, 6])
    await serves('moon')
    const third = await classicBuild(engine, file, { files: files('moon', '1.0.1') })
    assert.equal(third.error, undefined)
    assert.match(third.text, /^[1-9]\d*\n[^]*added 1 package/m, 'what npm kept is there again')
    await docker.ok('save', '-o', path.join(engine.directory, 'service.tar'), 'service')
    assert.equal(readFileSync(path.join(engine.directory, 'service.tar')).includes('root/.npm'), false)
  })
})
