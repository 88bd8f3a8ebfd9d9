import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { parseCommandLine, type FlagValues } from '../../../src/gantryd/command-line.ts'
import { mergeConfigFile } from '../../../src/gantryd/config-file.ts'
import { resolveConfig, type DaemonConfig } from '../../../src/gantryd/config.ts'
import { featureWarnings } from '../../../src/gantryd/features.ts'
import { parseMetricsAddress } from '../../../src/gantryd/metrics-server.ts'
import { reloadConfig } from '../../../src/gantryd/reload.ts'

function daemon(t: TestContext, document: object, ...flags: string[]): { live: DaemonConfig; given: FlagValues; write: (text: string) => void } {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-reload-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'daemon.json')
  const write = (text: string): void => writeFileSync(path, text)
  write(JSON.stringify(document))
  const given = parseCommandLine(['--config-file', path, ...flags])
  return { live: resolveConfig(mergeConfigFile(given)), given, write }
}

void test('what can change without a start changes for those who hold it', (t) => {
  const { live, given, write } = daemon(t, { labels: ['old=1'], 'registry-mirrors': ['https://m.example'], 'data-root': '/srv/one' })
  const held = { labels: live.labels, registries: live.registries, runtimes: live.runtimes, features: live.features, containers: live.containers }
  write(JSON.stringify({
    debug: true, labels: ['a=b', 'c=d'], 'insecure-registries': ['reg:5000'], 'max-concurrent-downloads': 9, 'max-concurrent-uploads': 1, 'max-download-attempts': 2,
    runtimes: { mine: { path: '/bin/true' } }, 'default-runtime': 'mine', features: { buildkit: false }, 'shutdown-timeout': 60, 'default-shm-size': '1g',
    'default-ipc-mode': 'shareable', 'default-cgroupns-mode': 'host', init: true, 'default-ulimits': { nofile: { Name: 'nofile', Soft: 1, Hard: 2 } }, 'data-root': '/srv/two',
  }))
  const attributes = reloadConfig(live, given)
  assert.deepEqual(held.labels, ['a=b', 'c=d'])
  assert.deepEqual([held.registries.insecure, held.registries.mirrors, held.registries.maxDownloads, held.registries.maxUploads, held.registries.maxAttempts], [['reg:5000'], [], 9, 1, 2])
  assert.deepEqual([held.runtimes.default, held.runtimes.choose('mine')], ['mine', { name: 'mine', path: '/bin/true', args: [] }])
  assert.deepEqual(held.features, { buildkit: false })
  assert.deepEqual(held.containers, { shmSize: 2 ** 30, ipcMode: 'shareable', cgroupnsMode: 'host', init: true, ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }] })
  assert.deepEqual([live.debug, live.logLevel, live.dataRoot], [true, 'debug', '/srv/one'])
  const { runtimes, ...others } = attributes
  assert.match(runtimes ?? '', /\bgantry:gantry-runc mine:\/bin\/true\b/)
  assert.deepEqual(others, {
    'allow-nondistributable-artifacts': '[]', debug: 'true', 'default-cgroupns-mode': 'host', 'default-ipc-mode': 'shareable', 'default-runtime': 'mine',
    'default-shm-size': '1073741824', features: 'map[buildkit:false]', 'insecure-registries': '["reg:5000"]', labels: '["a=b","c=d"]', 'live-restore': 'true',
    'max-concurrent-downloads': '9', 'max-concurrent-uploads': '1', 'max-download-attempts': '2', 'registry-mirrors': '[]', 'shutdown-timeout': '60',
  })
})

for (const [what, text, complaint] of [
  ['no JSON', '{"debug": tru', /unable to configure the Docker daemon with file/],
  ['a directive that is a flag too', '{"labels": ["x=y"], "mtu": 1400}', /specified both as a flag and in the configuration file: mtu/],
  ['a wrong value beside good ones', '{"labels": ["x=y"], "default-runtime": "nothing"}', /specified default runtime 'nothing' does not exist/],
  ['what is not there yet', '{"labels": ["x=y"], "oom-score-adjust": 5}', /not implemented yet: oom-score-adjust/],
] as const) {
  void test(`a file with ${what} leaves everything as it was`, (t) => {
    const { live, given, write } = daemon(t, { labels: ['old=1'] }, '--mtu', '1500')
    write(text)
    assert.throws(() => reloadConfig(live, given), complaint)
    assert.deepEqual([live.labels, live.debug, live.runtimes.default], [['old=1'], false, 'gantry'])
  })
}

void test('defaults of containers are checked', () => {
  const wrong: [string, RegExp][] = [
    ['--default-shm-size=much', /invalid default-shm-size: "much"/], ['--default-ipc-mode=host', /IPC mode \(host\) is invalid, use "private" or "shareable"/],
    ['--default-cgroupns-mode=none', /default cgroup namespace \(none\) is invalid, use "private" or "host"/], ['--default-ulimit=nofile', /invalid ulimit argument: nofile/],
    ['--default-ulimit=wrong=1', /invalid ulimit type: wrong/], ['--default-ulimit=nofile=2:1', /soft limit must be less than or equal to hard limit: 2 > 1/],
    ['--shutdown-timeout=-2', /invalid shutdown-timeout: -2/], ['--feature=x=maybe', /invalid feature: x=maybe/],
  ]
  for (const [flag, complaint] of wrong) assert.throws(() => resolveConfig(parseCommandLine([flag])), complaint, flag)
  assert.deepEqual(resolveConfig(parseCommandLine(['--default-ulimit', 'nofile=1:2', '--default-ulimit=core=-1'])).containers.ulimits, [{ Name: 'nofile', Soft: 1, Hard: 2 }, { Name: 'core', Soft: -1, Hard: -1 }])
  assert.deepEqual(resolveConfig(parseCommandLine(['--feature', 'a', '--feature', 'b=false'])).features, { a: true, b: false })
})

void test('a feature that cannot be had is warned of', () => {
  assert.deepEqual(featureWarnings({ 'containerd-snapshotter': false, cdi: true, unknown: true, buildkit: false }), [])
  assert.match(featureWarnings({ 'containerd-snapshotter': true })[0] ?? '', /^feature containerd-snapshotter=true has no effect/)
})

void test('an address for metrics has a port, and no name but localhost', () => {
  assert.deepEqual(parseMetricsAddress('127.0.0.1:9323'), { address: '127.0.0.1', port: 9323 })
  assert.deepEqual(parseMetricsAddress('[::1]:9323'), { address: '::1', port: 9323 })
  assert.deepEqual(parseMetricsAddress(':9323'), { address: '::', port: 9323 })
  for (const wrong of ['127.0.0.1', '9323', 'host.example:9323', '127.0.0.1:99999', '::1:9323']) assert.throws(() => parseMetricsAddress(wrong), { kind: 'InvalidParameter' }, wrong)
})
