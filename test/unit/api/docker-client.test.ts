import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { Duplex, PassThrough } from 'node:stream'
import { test } from 'node:test'
import { program } from '../../e2e/harness/program.ts'
import { failing, fakeEngine, text } from './fake-engine.ts'
import { serve } from './serve.ts'

interface Result {
  code: number
  stdout: string
  stderr: string
}

/** The stock client, without configuration of its user. */
function docker(socketPath: string, args: string[], input = ''): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(program('docker'), ['-H', `unix://${socketPath}`, ...args], { env: { PATH: process.env['PATH'], HOME: '/nonexistent' } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
    child.stdin?.end(input)
  })
}

void test('the stock client runs a container: create, attach, wait, start, output, exit code', async (t) => {
  const input = new PassThrough()
  const output = new PassThrough()
  const exited = Promise.withResolvers<{ StatusCode: number }>()
  const calls: string[] = []
  const api = await serve(t, fakeEngine({
    containers: {
      create: async () => (calls.push('create'), { Id: 'c'.repeat(64), Warnings: [] }),
      attach: async () => (calls.push('attach'), { tty: false, stream: Duplex.from({ writable: input, readable: output }) }),
      wait: (_ref, _condition, registered) => {
        calls.push('wait')
        registered()
        return exited.promise
      },
      start: async () => {
        calls.push('start')
        const body = Buffer.from((await text(input)).toUpperCase())
        output.end(Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, body.length]), body]))
        exited.resolve({ StatusCode: 7 })
      },
    },
  }))
  assert.deepEqual(await docker(api.socketPath, ['run', '-i', 'busybox', 'cat'], 'hello\n'), { code: 7, stdout: 'HELLO\n', stderr: '' })
  assert.deepEqual(calls.toSorted(), ['attach', 'create', 'start', 'wait'])
})

void test('the stock client lists, shows its version, and shows our reasons', async (t) => {
  const create = failing('NotFound', 'No such image: nothing:latest')
  const pull = failing('NotFound', 'manifest for nothing:latest not found')
  const api = await serve(t, fakeEngine({ containers: { create }, images: { pull } }))
  assert.match((await docker(api.socketPath, ['ps', '-a'])).stdout, /^CONTAINER ID +IMAGE/)
  assert.match((await docker(api.socketPath, ['version'])).stdout, /API version: +1\.\d+ \(minimum version 1\.24\)/)
  const run = await docker(api.socketPath, ['run', 'nothing'])
  assert.equal(run.code, 125)
  assert.match(run.stderr, /Unable to find image 'nothing:latest' locally[^]*manifest for nothing:latest not found/)
  assert.match((await docker(api.socketPath, ['volume', 'ls'])).stdout, /^DRIVER +VOLUME NAME\n$/)
  assert.match((await docker(api.socketPath, ['service', 'ls'])).stderr, /This node is not a swarm manager/)
})
