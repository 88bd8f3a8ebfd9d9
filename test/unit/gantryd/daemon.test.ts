import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

const main = new URL('../../../src/gantryd/main.ts', import.meta.url).pathname
const root = process.getuid?.() === 0

interface Daemon {
  child: ChildProcess
  /** Standard error so far. */
  log: () => string
  /** Settles when the log has the text. */
  says: (text: string) => Promise<void>
  /** The exit code. */
  ended: Promise<number | null>
}

/** An engine on private directories, socket and bridge. */
function start({ directory, children }: Place, extra: string[] = []): Daemon {
  const bridge = ['--bridge-name', `gtt${process.pid % 100_000}`, '--bip', `10.213.${process.pid % 250}.1/24`]
  const places = ['--data-root', `${directory}/data`, '--exec-root', `${directory}/run`, '-p', `${directory}/pid`, '-H', `unix://${directory}/s`]
  const child = spawn(process.execPath, [main, ...places, ...bridge, ...extra], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  let log = ''
  const heard = new Set<() => void>()
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString()
    for (const tell of heard) tell()
  })
  children.push({ child, ended })
  return {
    child,
    log: () => log,
    ended,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!log.includes(text)) return
          heard.delete(look)
          resolve()
        }
        heard.add(look)
        void ended.then(() => reject(new Error(`gantryd ended without saying "${text}":\n${log}`)))
        look()
      }),
  }
}

interface Place {
  directory: string
  children: { child: ChildProcess; ended: Promise<unknown> }[]
}

/** A directory whose engines end before it goes. */
function privatePlace(t: TestContext): Place {
  const place: Place = { directory: mkdtempSync(join(tmpdir(), 'gantry-daemon-')), children: [] }
  t.after(async () => {
    for (const { child, ended } of place.children) {
      if (child.exitCode === null) child.kill('SIGTERM')
      await ended
    }
    rmSync(place.directory, { recursive: true, force: true })
  })
  return place
}

function ping(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path: '/_ping', agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

void test('the daemon takes its pidfile, serves, keeps others out, reloads and leaves nothing', { skip: !root }, async (t) => {
  const place = privatePlace(t)
  const { directory } = place
  writeFileSync(`${directory}/pid`, String(process.pid))
  writeFileSync(`${directory}/daemon.json`, '{}')
  const first = start(place, ['--config-file', `${directory}/daemon.json`])
  await first.says(`API listen on ${directory}/s`)
  assert.equal(await ping(`${directory}/s`), 200)
  assert.equal(readFileSync(`${directory}/pid`, 'utf8'), String(first.child.pid))
  const group = /^docker:/m.test(readFileSync('/etc/group', 'utf8'))
  assert.equal(statSync(`${directory}/s`).mode & 0o777, group ? 0o660 : 0o600)

  const samePidfile = start(place)
  assert.equal(await samePidfile.ended, 1)
  assert.match(samePidfile.log(), new RegExp(`failed to start daemon: .*process with PID ${first.child.pid} is still running`))
  const sameRoot = start(place, ['-p', `${directory}/pid2`])
  assert.equal(await sameRoot.ended, 1)
  assert.match(sameRoot.log(), /cannot use data root .*: another engine is using it/)
  assert.equal(existsSync(`${directory}/pid2`), false)
  assert.equal(await ping(`${directory}/s`), 200)

  writeFileSync(`${directory}/daemon.json`, '{"debug": true}')
  first.child.kill('SIGHUP')
  await first.says('Reloaded configuration: log level debug')
  await ping(`${directory}/s`)
  await first.says('Calling GET /_ping')

  first.child.kill('SIGTERM')
  assert.equal(await first.ended, 0)
  assert.equal(existsSync(`/sys/class/net/gtt${process.pid % 100_000}`), false)
  assert.deepEqual([existsSync(`${directory}/s`), existsSync(`${directory}/pid`)], [false, false])
})

void test('after a kill -9 the next start takes over socket, pidfile and data root', { skip: !root }, async (t) => {
  const place = privatePlace(t)
  const { directory } = place
  const first = start(place)
  await first.says('API listen on')
  first.child.kill('SIGKILL')
  await first.ended
  assert.equal(existsSync(`${directory}/s`), true)
  const second = start(place)
  await second.says('API listen on')
  assert.equal(await ping(`${directory}/s`), 200)
})
