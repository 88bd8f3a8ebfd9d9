import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { GenericContainer, Network, Wait } from 'testcontainers'

/** A service and what asks it, as a test of an application has them. Ends with the word "done". */
const image = process.argv[2]!
const page = 'mkdir -p /www && echo hello > /www/index.html && echo started && exec httpd -f -p 80 -h /www'

// The library does not keep the process alive for a stream of logs.
const alive = setInterval(() => {}, 1000)

const network = await new Network().start()
const web = await new GenericContainer(image)
  .withCommand(['sh', '-c', page])
  .withExposedPorts(80)
  .withNetwork(network)
  .withNetworkAliases('web')
  .withEnvironment({ COLOUR: 'green' })
  .withLabels({ 'example.role': 'web' })
  .withTmpFs({ '/scratch': 'rw,size=1m' })
  .withBindMounts([{ source: '/proc/version', target: '/version', mode: 'ro' }])
  .withCopyContentToContainer([{ content: 'copied', target: '/copied/file', mode: 0o640 }])
  .withHealthCheck({ test: ['CMD-SHELL', 'wget -qO /dev/null http://127.0.0.1/'], interval: 200, timeout: 3000, retries: 50, startPeriod: 1000 })
  .withWaitStrategy(Wait.forAll([Wait.forLogMessage('started'), Wait.forListeningPorts(), Wait.forHttp('/', 80), Wait.forHealthCheck()]))
  .start()

const address = `http://${web.getHost()}:${web.getMappedPort(80)}/`
assert.equal(await (await fetch(address)).text(), 'hello\n')

const { output, exitCode } = await web.exec(['sh', '-c', 'echo $COLOUR; cat /copied/file; stat -c %a /copied/file; exit 3'])
assert.deepEqual([output, exitCode], ['green\ncopied640\n', 3])
assert.equal((await web.exec(['id', '-u'], { user: '12345' })).output, '12345\n')

const asked = await new GenericContainer(image)
  .withNetwork(network)
  .withCommand(['sh', '-c', 'wget -qO- http://web/'])
  .withWaitStrategy(Wait.forOneShotStartup())
  .start()
assert.match(await text(await asked.logs()), /hello/)

const archive = await web.copyArchiveFromContainer('/www/index.html')
assert.match(await text(archive), /index\.html[\s\S]*hello/)

await web.restart()
assert.equal(await (await fetch(`http://${web.getHost()}:${web.getMappedPort(80)}/`)).text(), 'hello\n')
const committed = await web.commit({ repo: 'committed', tag: 'by-testcontainers' })
assert.match(committed, /^sha256:/)

await asked.stop()
await web.stop()
await network.stop()
clearInterval(alive)
console.log('done')
