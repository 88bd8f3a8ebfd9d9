import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { makeHost } from './harness/network-host.ts'
import { makePrivateDirectory, removePrivateDirectory } from './harness/private-directory.ts'
import { findProgram, projectRoot } from './harness/program.ts'
import { must, run } from './harness/run.ts'
import { engineUnderTest } from './harness/stories.ts'

const { version } = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8')) as { version: string }

void test('the Debian package holds all that an engine needs, with units that systemd takes', { skip: engineUnderTest === 'dockerd' }, async (t) => {
  const directory = makePrivateDirectory()
  const host = await makeHost()
  t.after(async () => {
    await host.close()
    await removePrivateDirectory(directory)
  })
  // The same tree twice gives the same bytes.
  const uncompressed = { ...process.env, DEB_COMPRESSION: '-Znone' }
  const build = async (name: string): Promise<string> => {
    mkdirSync(path.join(directory, name))
    await must([path.join(projectRoot, 'scripts/deb'), path.join(directory, name)], { env: uncompressed, timeout: 300_000 })
    return path.join(directory, name, `gantry_${version}_${await must(['dpkg', '--print-architecture'])}.deb`)
  }
  const [one, two] = [await build('one'), await build('two')]
  await must(['cmp', one, two])
  assert.equal(await must(['dpkg-deb', '-f', one, 'Package', 'Version']), `Package: gantry\nVersion: ${version}`)

  const root = path.join(directory, 'root')
  await must(['dpkg-deb', '-x', one, root])
  const units = ['gantry.service', 'gantry.socket', 'gantry-docker.socket'].map((unit) => path.join(root, 'lib/systemd/system', unit))
  const verifier = findProgram('systemd-analyze')
  if (verifier !== undefined) {
    const verified = await run([verifier, 'verify', '--man=no', `--root=${root}`, ...units])
    assert.doesNotMatch(verified.stderr, /Unknown|Invalid|Failed to parse|ignoring/i)
  }
  const completed = await must(['bash', '-c', `. ${root}/usr/share/bash-completion/completions/gantry; complete -p gantry`])
  assert.equal(completed, 'complete -o default -F _gantry gantry')

  const socket = path.join(directory, 's')
  const places = ['--config-file', path.join(root, 'etc/gantry/daemon.json'), '--data-root', path.join(directory, 'd'), '--exec-root', path.join(directory, 'x'), '--pidfile', path.join(directory, 'p'), '-H', `unix://${socket}`]
  const [file = '', ...before] = host.enter
  const daemon = spawn(file, [...before, path.join(root, 'usr/bin/gantryd'), ...places], { stdio: 'ignore', cwd: '/' })
  const client = (...args: string[]): Promise<string> => must([path.join(root, 'usr/bin/gantry'), '-H', `unix://${socket}`, ...args])
  try {
    await eventually(() => client('version', '-f', '{{.Server.Version}}'), 30_000)
    await must(['sh', '-c', `mkdir ${directory}/bb ${directory}/bb/bin && cp /bin/busybox ${directory}/bb/bin/echo && tar -C ${directory}/bb -c . | ${root}/usr/bin/gantry -H unix://${socket} import - bb`])
    assert.equal(await client('run', '--rm', '-p', '8080:80', 'bb', 'echo', 'from the package'), 'from the package')
  } finally {
    const gone = once(daemon, 'exit')
    daemon.kill()
    await gone
  }
})
