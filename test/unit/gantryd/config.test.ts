import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { checkStorageDriver } from '../../../src/gantryd/builtins.ts'
import { parseCommandLine } from '../../../src/gantryd/command-line.ts'
import { mergeConfigFile } from '../../../src/gantryd/config-file.ts'
import { resolveConfig } from '../../../src/gantryd/config.ts'
import { parseHost } from '../../../src/gantryd/hosts.ts'

function configFile(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-config-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'daemon.json')
  writeFileSync(path, text)
  return path
}

void test('daemon.json gives what the command line does not', (t) => {
  const path = configFile(t, '{"debug": true, "hosts": ["unix:///run/a.sock"], "data-root": "/srv/g", "labels": ["a=b"], "mtu": 1400}')
  const config = resolveConfig(mergeConfigFile(parseCommandLine(['--config-file', path, '--bip', '10.0.0.1/24'])))
  assert.deepEqual(
    [config.debug, config.logLevel, config.hosts, config.dataRoot, config.labels, config.networks.bridge.mtu, config.networks.bridge.bip],
    [true, 'debug', [{ kind: 'unix', path: '/run/a.sock' }], '/srv/g', ['a=b'], 1400, '10.0.0.1/24'],
  )
})

void test('how containers are confined is read from flags and file', (t) => {
  assert.deepEqual(resolveConfig(parseCommandLine([])).security, { selinuxEnabled: false, seccompProfile: 'builtin', noNewPrivileges: false })
  const path = configFile(t, '{"userns-remap": "default", "selinux-enabled": true, "no-new-privileges": true, "seccomp-profile": "unconfined"}')
  const { security } = resolveConfig(mergeConfigFile(parseCommandLine(['--config-file', path])))
  assert.deepEqual(security, { usernsRemap: 'default', selinuxEnabled: true, seccompProfile: 'unconfined', noNewPrivileges: true })
  assert.deepEqual(resolveConfig(parseCommandLine(['--userns-remap=ada:staff'])).security.usernsRemap, 'ada:staff')
})

void test('registries are read from flags and file, and checked', (t) => {
  const path = configFile(t, '{"registry-mirrors": ["https://mirror.example"], "insecure-registries": ["http://lan:5000", "10.0.0.0/8"]}')
  const { registries } = resolveConfig(mergeConfigFile(parseCommandLine(['--config-file', path, '--max-concurrent-downloads', '7'])))
  assert.deepEqual([registries.mirrors, registries.insecure], [['https://mirror.example/'], ['lan:5000', '10.0.0.0/8']])
  assert.deepEqual([registries.maxDownloads, registries.maxUploads, registries.maxAttempts], [7, 5, 5])
  assert.equal(registries.certificates, join(dirname(path), 'certs.d'))
  for (const [flag, value] of [['registry-mirror', 'ftp://x'], ['insecure-registry', 'a b'], ['max-concurrent-uploads', '-1']] as const) {
    assert.throws(() => resolveConfig(parseCommandLine([`--${flag}`, value])), { kind: 'InvalidParameter' })
  }
})

void test('proxies are read from the file, and flags count before it', (t) => {
  const read = (text: string, ...args: string[]) => resolveConfig(mergeConfigFile(parseCommandLine(['--config-file', configFile(t, text), ...args]))).registries.proxies
  const text = '{"proxies": {"http-proxy": "http://a:1", "https-proxy": "b:2", "no-proxy": "c,d"}}'
  assert.deepEqual(read(text, '--http-proxy', 'http://flag'), { http: 'http://flag/', https: 'http://b:2/', none: 'c,d' })
  assert.throws(() => read('{"proxies": {"ftp-proxy": "x"}}'), { message: "the following directives don't match any configuration option: ftp-proxy" })
  assert.throws(() => read('{"proxies": {"http-proxy": 1}}'), { message: 'cannot use 1 for http-proxy: it must be a string' })
  assert.throws(() => read('{"proxies": {"https-proxy": "socks5://x"}}'), { message: /^invalid proxy/ })
})

const refused: [string, string[], RegExp][] = [
  ['{"hosts": ["tcp://127.0.0.1:1"], "debug": true}', ['-H', 'unix:///a', '-D'], /the following directives are specified both as a flag and in the configuration file: hosts: \(from flag: \[unix:\/\/\/a\], from file: \[tcp:\/\/127\.0\.0\.1:1\]\), debug: \(from flag: true, from file: true\)$/],
  ['{"colour": "red", "size": 1}', [], /the following directives don't match any configuration option: colour, size$/],
  ['{"debug": "yes"}', [], /cannot use "yes" for debug: it must be a bool$/],
  ['{', [], /unable to configure the Docker daemon with file .*daemon\.json: /],
  ['[]', [], /it is not a JSON object$/],
]
for (const [text, args, message] of refused) {
  void test(`the configuration ${text} is refused`, (t) => {
    assert.throws(() => mergeConfigFile(parseCommandLine(['--config-file', configFile(t, text), ...args])), { message })
  })
}

void test('a named configuration file must be there', () => {
  assert.throws(() => mergeConfigFile(parseCommandLine(['--config-file', '/nonexistent/d.json'])), /open \/nonexistent\/d\.json: no such file or directory$/)
})

void test('plain TCP is for loopback unless one insists', () => {
  assert.deepEqual(parseHost('tcp://127.0.0.1:2375', { allowPlainTcp: false }), { kind: 'tcp', address: '127.0.0.1', port: 2375 })
  assert.deepEqual(parseHost('tcp://[::1]', { allowPlainTcp: false }), { kind: 'tcp', address: '::1', port: 2375 })
  assert.deepEqual(parseHost('tcp://:1234', { allowPlainTcp: false }), { kind: 'tcp', address: '127.0.0.1', port: 1234 })
  for (const host of ['tcp://0.0.0.0:2375', 'tcp://192.0.2.1', 'tcp://[::]:1', 'tcp://[::ffff:127.0.0.1]:1']) {
    assert.throws(() => parseHost(host, { allowPlainTcp: false }), { kind: 'Forbidden' }, host)
    assert.equal(parseHost(host, { allowPlainTcp: true }).kind, 'tcp')
  }
})

void test('with TLS an address may be anywhere, and the port is 2376', () => {
  const tls = { ca: '/ca', cert: '/cert', key: '/key', verify: true }
  assert.deepEqual(parseHost('tcp://0.0.0.0', { allowPlainTcp: false, tls }), { kind: 'tcp', address: '0.0.0.0', port: 2376, tls })
  assert.deepEqual(parseHost('fd://', { allowPlainTcp: false, tls }), { kind: 'fd', name: '' })
})

void test('other addresses are refused', () => {
  for (const host of ['', 'unix://', '/run/x', 'npipe:////./pipe/x', 'tcp://a.example:1', 'tcp://127.0.0.1:99999']) {
    assert.throws(() => parseHost(host, { allowPlainTcp: false }), { kind: 'InvalidParameter' }, host)
  }
})

void test('storage drivers that cannot be are refused with the reason', () => {
  assert.throws(() => checkStorageDriver('aufs'), { message: 'aufs is in no current kernel and Docker removed it in 24.0; use overlay2' })
  assert.throws(() => checkStorageDriver('floppy'), { kind: 'InvalidParameter' })
  for (const name of ['overlay2', 'fuse-overlayfs', 'btrfs', 'zfs', 'devicemapper', 'vfs']) checkStorageDriver(name)
})

void test('options of logs come by flag or from the file', () => {
  assert.deepEqual(resolveConfig(parseCommandLine(['--log-driver', 'local', '--log-opt', 'max-size=1m', '--log-opt', 'max-file=2'])).logs, { driver: 'local', options: { 'max-size': '1m', 'max-file': '2' } })
  assert.deepEqual(resolveConfig(new Map([['log-opts', { mode: 'non-blocking' }]])).logs, { driver: 'json-file', options: { mode: 'non-blocking' } })
  assert.throws(() => resolveConfig(new Map([['log-opts', { 'max-file': 3 }]])), { message: 'cannot use 3 for log-opts max-file: it must be a string' })
})

const unsupported: [string[], RegExp][] = [
  [['--live-restore=false'], /containers always outlive the daemon/],
  [['--log-driver', 'paper'], /failed to set log opts: logger: no log driver named 'paper' is registered/],
  [['--log-opt', 'x=1'], /failed to set log opts: unknown log opt 'x' for json-file log driver/],
  [['--log-level', 'loud'], /invalid logging level: loud/],
  [['--log-format', 'xml'], /invalid log format: xml/],
  [['--label', 'x'], /bad attribute format: x/],
  [['--host-gateway-ip', 'nowhere'], /invalid host-gateway-ip: nowhere is no IP address/],
  [['--default-runtime', 'kata'], /specified default runtime 'kata' does not exist/],
  [['-b', 'br0', '--bridge-name', 'br1'], /both mean the same/],
]
for (const [args, message] of unsupported) {
  void test(`${args.join(' ')} is refused`, () => {
    assert.throws(() => resolveConfig(parseCommandLine(args)), { message })
  })
}
