import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { olderDockerClient } from './harness/docker-client.ts'
import { makePrivateDirectory, removePrivateDirectory } from './harness/private-directory.ts'

/**
 * Runs the same words through the stock docker client (28) and through gantry and compares output and exit code. The engine
 * is the one at GANTRY_PARITY_HOST, which must hold an image "bb" with a busybox; else a private dockerd.
 */
const given = process.env['GANTRY_PARITY_HOST']
const missing = (given ? [] : ['dockerd', '/bin/busybox']).find((program) => spawnSync('which', [program]).status !== 0)
const skip = olderDockerClient(28) || (missing ? `${missing} is not installed` : process.getuid?.() === 0 ? false : 'needs root')
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const directory = makePrivateDirectory()
const host = given ?? `unix://${directory}/sock`
let engine: ReturnType<typeof spawn> | undefined

before(async () => {
  if (skip || given) return
  const flags = ['--data-root', `${directory}/d`, '--exec-root', `${directory}/e`, '-p', `${directory}/pid`, '-H', host, '--bridge=none', '--iptables=false']
  engine = spawn('dockerd', flags, { stdio: 'ignore' })
  for (let tries = 0; tries < 150 && !existsSync(`${directory}/sock`); tries++) await sleep(100)
  mkdirSync(`${directory}/root/bin`, { recursive: true })
  cpSync('/bin/busybox', `${directory}/root/bin/busybox`)
  for (const name of ['sh', 'true', 'cat', 'echo', 'sleep', 'seq', 'id']) symlinkSync('busybox', `${directory}/root/bin/${name}`)
  execFileSync('tar', ['-C', `${directory}/root`, '-cf', `${directory}/bb.tar`, '.'])
  execFileSync('docker', ['import', `${directory}/bb.tar`, 'bb:latest'], { env: { ...process.env, DOCKER_HOST: host } })
})

after(async () => {
  if (engine) {
    const gone = new Promise((resolve) => engine!.once('exit', resolve))
    engine.kill('SIGTERM')
    await gone
  }
  await removePrivateDirectory(directory)
})

// In order: later words work on what earlier ones made.
const script: (string[] | { words: string[]; input: string })[] = [
  ['run', '--rm', 'bb', 'sh', '-c', 'exit 7'],
  ['run', '--rm', 'bb', 'nosuchcommand'],
  ['run', '--rm', 'bb', '/etc'],
  ['run', '--rm', 'bb', 'sh', '-c', 'kill -9 $$'],
  ['run', '--pull', 'never', '127.0.0.1:1/nosuch'],
  { words: ['run', '-i', '--rm', 'bb', 'cat'], input: 'typed\n' },
  { words: ['run', '-it', '--rm', 'bb', 'cat'], input: 'typed\n' },
  ['run', '--rm', 'bb', 'seq', '1', '20000'],
  ['run', '-d', '--name', 'parity', '--label', 'a=b', '--label', 'c', 'bb', 'sleep', '1000'],
  ['run', '--name', 'parity', 'bb', 'true'],
  ['ps', '--filter', 'name=parity', '--format', '{{.Names}} {{.Image}} {{.Command}} {{.Labels}} {{.State}}'],
  ['ps', '--filter', 'name=parity', '--format', '{{.Foo}}'],
  ['ps', '--filter', 'foo'],
  ['exec', 'parity', 'sh', '-c', 'echo out; exit 3'],
  { words: ['exec', '-i', 'parity', 'cat'], input: 'typed\n' },
  ...[
    '{{.State.Status}} {{.Name}}', '{{.State.Foo}}', '{{.State.Health.Status}}', '{{foo}}', '{{.Foo', '{{.Config.Labels.zz}} {{.Config.Env}}',
    '{{range $k,$v := .Config.Labels}}{{$k}}={{$v}},{{end}}', '{{json .Config.Labels}} {{json .HostConfig.CapAdd}}',
    '{{if .State.Health}}x{{else}}y{{end}} {{len .Config.Cmd}} {{index .Config.Cmd 1}} {{join .Args "-"}} {{upper .Name}}',
  ].map((format) => ['inspect', '-f', format, 'parity']),
  ['inspect', 'parity'],
  ['inspect', 'nosuch'],
  ['container', 'inspect', 'nosuch'],
  ['image', 'inspect', 'bb'],
  ['network', 'inspect', 'host'],
  ['pause', 'parity'],
  ['unpause', 'parity'],
  ['top', 'parity', '-o', 'cmd'],
  ['port', 'parity', '80'],
  ['rename', 'nosuch', 'other'],
  ['rm', 'parity'],
  ['stop', '-t', '0', 'parity', 'nosuch'],
  ['wait', 'parity'],
  ['start', 'parity', 'nosuch'],
  ['kill', '-s', 'FOO', 'parity'],
  ['rm', 'parity', '-f'],
  ['rm', '-f', 'nosuch'],
  ['run', '--name', 'logged', 'bb', 'sh', '-c', 'echo 1; echo 2; echo 3'],
  ['logs', 'logged'],
  ['logs', '-n', '1', 'logged'],
  ['start', '-a', 'logged'],
  ['attach', 'logged'],
  ['rm', 'logged'],
  ['images'],
  ['images', '-q', '--no-trunc'],
  ['images', '--format', 'table {{.ID}}\t{{.Repository}}'],
  ['images', '--format', 'json'],
  ['network', 'ls', '--format', '{{.Name}} {{.Driver}}'],
  ['tag', 'bb', 'bb:x'],
  ['rmi', 'bb:x'],
  ['tag', 'bb', 'BB'],
  ['rmi', 'nosuch'],
  ['create', 'bb'],
  ['run', '--foo'],
  ['run', '-m', 'x', 'bb'],
  ['tag', 'a'],
  ['rm'],
  ['nosuchcommand'],
]

void test('gantry prints and answers what docker does', { skip, timeout: 240_000 }, async (t) => {
  const runs = ['docker', 'gantry'].map((client) => script.map((entry) => runOne(client, entry)))
  for (const [index, entry] of script.entries()) {
    const words = Array.isArray(entry) ? entry : entry.words
    await t.test(words.join(' '), () => assert.deepEqual(runs[1]![index], runs[0]![index]))
  }
})

type Result = { code: number | null; stdout: string; stderr: string }

function runOne(client: string, entry: (typeof script)[number]): Result {
  const { words, input } = Array.isArray(entry) ? { words: entry, input: '' } : entry
  const [file, args] = client === 'docker' ? ['docker', words] : [process.execPath, ['--', main, ...words]]
  const { status, stdout, stderr } = spawnSync(file, args, { input, encoding: 'utf8', env: { ...process.env, DOCKER_HOST: host }, timeout: 30_000 })
  return { code: status, stdout: settle(stdout), stderr: settle(stderr) }
}

/** Without what differs from one run to the next. */
function settle(text: string): string {
  return text
    .replaceAll('gantry', 'docker')
    .replaceAll(/\b[\da-f]{64}\b/g, 'ID')
    .replaceAll(/"(Hostname|SandboxKey|LowerDir|LastTagTime)": "[^"]*"/g, '"$1"')
    .replaceAll(/"Pid": \d+/g, '"Pid"')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| \+0000 UTC)/g, 'TIME')
    .replaceAll(/CREATED +/g, 'CREATED ')
    .replaceAll(/(About a|Less than a|\d+) (second|minute)s? ago */g, 'AGO ')
}
