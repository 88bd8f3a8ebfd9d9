import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runCli } from '../../../src/cli/run-cli.ts'

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
const directory = await mkdtemp(join(tmpdir(), 'gantry-cli-'))
const socketPath = join(directory, 'engine.sock')
const requests: string[] = []

const server = createServer((request, response) => {
  requests.push(`${request.method} ${request.url}`)
  response.setHeader('api-version', '1.50')
  if (request.url!.includes('/containers/gone/')) response.writeHead(404).end('{"message":"No such container: gone"}')
  else if (request.url!.includes('/networks') || request.url!.includes('/images/') || request.url!.includes('/volumes') || request.url!.includes('/plugins')) response.writeHead(404).end('{"message":"not found"}')
  else if (request.url!.includes('/json')) response.end('{"Id":"abc","State":{"Pid":42},"Big":9223372036854771712,"Empty":{}}')
  else if (request.url!.includes('/explain')) response.end('{"lines":["clone3","mount"]}')
  else response.writeHead(204).end()
})
await new Promise<void>((resolve) => server.listen(socketPath, resolve))
after(async () => {
  server.closeAllConnections()
  server.close()
  await rm(directory, { recursive: true })
})

function gantry(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], DOCKER_HOST: `unix://${socketPath}` }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--', main, ...words], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    })
  })
}

/** What a command line prints, run without a process of its own. */
async function inProcess(...words: string[]): Promise<string> {
  let text = ''
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      done()
    },
  }) as unknown as NodeJS.WriteStream
  assert.equal(await runCli(words, { stdin: process.stdin, stdout, stderr: process.stderr, env: {} }), 0)
  return text
}

void test('stop prints what it stopped, then all errors, and ends with 1', async () => {
  const { code, stdout, stderr } = await gantry('stop', '-t', '3', 'a', 'gone', 'b')
  assert.equal(stdout, 'a\nb\n')
  assert.equal(stderr, 'Error response from daemon: No such container: gone\n')
  assert.equal(code, 1)
  assert.ok(requests.includes('POST /v1.50/containers/a/stop?t=3'))
})

void test('inspect keeps numbers, order and empty objects as they came', async () => {
  const { stdout } = await gantry('inspect', 'x')
  assert.equal(stdout, '[\n    {\n        "Id": "abc",\n        "State": {\n            "Pid": 42\n        },\n        "Big": 9223372036854771712,\n        "Empty": {}\n    }\n]\n')
})

void test('inspect runs a template', async () => {
  assert.equal((await gantry('inspect', '-f', '{{.State.Pid}} {{json .Empty}}', 'x')).stdout, '42 {}\n')
})

void test('inspect of nothing prints an empty list and the error', async () => {
  assert.deepEqual(await gantry('inspect', 'gone'), { code: 1, stdout: '[]\n', stderr: 'Error: No such object: gone\n' })
})

void test('a template that does not parse ends with 64', async () => {
  assert.deepEqual(await gantry('inspect', '-f', '{{foo}}', 'x'), { code: 64, stdout: '', stderr: 'template parsing error: template: :1: function "foo" not defined\n' })
})

void test('an unknown flag ends with 125 and the usage', async () => {
  const { code, stderr } = await gantry('run', '--foo', 'x')
  assert.equal(stderr, "unknown flag: --foo\n\nUsage:  gantry run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'gantry run --help' for more information\n")
  assert.equal(code, 125)
})

void test('an unknown command ends with 1', async () => {
  assert.deepEqual(await gantry('foo'), { code: 1, stdout: '', stderr: "gantry: unknown command: gantry foo\n\nRun 'gantry --help' for more information\n" })
})

void test('too few arguments end with 1 and the usage', async () => {
  const { code, stderr } = await gantry('tag', 'a')
  assert.equal(stderr, "gantry: 'gantry tag' requires 2 arguments\n\nUsage:  gantry tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]\n\nRun 'gantry tag --help' for more information\n")
  assert.equal(code, 1)
})

void test('a group reaches the same command under its own name', async () => {
  const { stderr } = await gantry('container', 'remove')
  assert.match(stderr, /^gantry: 'gantry container rm' requires at least 1 argument\n/)
})

void test('explain prints one operation a line', async () => {
  assert.deepEqual(await gantry('explain', 'x'), { code: 0, stdout: 'clone3\nmount\n', stderr: '' })
})

void test('every command has help', async () => {
  const stdout = await inProcess('--help')
  const section = stdout.slice(0, stdout.indexOf('Global Options:'))
  const names = [...section.matchAll(/^ {2}(\w+) +\S/gm)].map((match) => match[1]!)
  assert.ok(names.length > 35)
  for (const name of names) assert.match(await inProcess(name, '--help'), new RegExp(`^Usage:  gantry ${name}\\b`))
})

void test('the completion script is good shell', async () => {
  const { stdout } = await gantry('completion', 'bash')
  await new Promise<void>((resolve, reject) => {
    const shell = execFile('bash', ['-n'], (error) => (error ? reject(error) : resolve()))
    shell.stdin!.end(stdout)
  })
})
