import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { buildSpec } from '../../../../src/engine/spec/build-spec.ts'
import { readHostFacts } from '../../../../src/engine/spec/host-facts.ts'
import type { SpecInput } from '../../../../src/engine/spec/input.ts'
import type { HostConfig } from '../../../../src/engine/types/host-config.ts'
import { input } from './spec-input.ts'

/** The specifications are OCI's, so a stranger's runtime must make the same container of them. */
const runtime = ['/usr/sbin/runc', '/usr/bin/runc'].find((path) => existsSync(path))
const busybox = '/bin/busybox'
const skip = process.getuid?.() !== 0 ? 'not root' : !runtime || !existsSync(busybox) ? 'runc or busybox-static is missing' : false

const directory = mkdtempSync(join(tmpdir(), 'gantry-spec-'))
const cgroupParent = `/gantry-spec-test-${process.pid}`
after(() => {
  rmSync(directory, { recursive: true })
  for (const hierarchy of ['', ...readdirSync('/sys/fs/cgroup')]) {
    const path = join('/sys/fs/cgroup', hierarchy, cgroupParent)
    if (existsSync(path)) rmdirSync(path)
  }
})
let count = 0

/** Runs a shell script in a container and gives what it prints, line by line. */
function run(script: string, hostConfig: HostConfig = {}, more: Partial<SpecInput> = {}): string[] {
  const id = `gantry-spec-${process.pid}-${count++}`
  const bundle = join(directory, id)
  const rootfs = join(bundle, 'rootfs')
  mkdirSync(join(rootfs, 'bin'), { recursive: true })
  for (const name of ['proc', 'sys', 'dev', 'etc', 'tmp']) mkdirSync(join(rootfs, name))
  copyFileSync(busybox, join(rootfs, 'bin/busybox'))
  const Cmd = ['/bin/busybox', 'sh', '-c', `export PATH=/bin; busybox --install -s /bin; ${script}`]
  const host = { ...readHostFacts(), timeNamespace: false }
  const given = input({ NetworkMode: 'none', ...hostConfig }, { Cmd }, { id, rootfs, files: {}, host, cgroupParent, ...more })
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(buildSpec(given)))
  const result = spawnSync(runtime ?? '', ['--root', join(directory, 'state'), 'run', '--bundle', bundle, id], { timeout: 20_000 })
  spawnSync(runtime ?? '', ['--root', join(directory, 'state'), 'delete', '--force', id])
  assert.equal(result.status, 0, `${result.stderr.toString()}${result.stdout.toString()}`)
  return result.stdout.toString().trim().split('\n')
}

void test('a container has its own names, the default capabilities and a seccomp filter', { skip }, () => {
  const lines = run(`hostname; grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|^Seccomp:|NoNewPrivs' /proc/self/status; echo $PATH; echo $HOSTNAME $HOME; pwd`)
  assert.equal(lines[0], 'c0ffee000000')
  assert.deepEqual(
    lines.slice(1, 8).map((line) => line.split(/\s+/).join(' ')),
    [
      'CapInh: 0000000000000000',
      'CapPrm: 00000000a80425fb',
      'CapEff: 00000000a80425fb',
      'CapBnd: 00000000a80425fb',
      'CapAmb: 0000000000000000',
      'NoNewPrivs: 0',
      'Seccomp: 2',
    ],
  )
  assert.deepEqual(lines.slice(8), ['/bin', 'c0ffee000000 /root', '/'])
})

void test('what belongs to the machine is masked or read-only', { skip }, () => {
  const masked = ['/proc/kcore', '/proc/keys', '/proc/interrupts', '/proc/timer_list'].filter((path) => existsSync(path))
  const readonly = ['/proc/sys/kernel/hostname', '/proc/sysrq-trigger', '/sys/kernel/profiling'].filter((path) => existsSync(path))
  const controller = existsSync('/sys/fs/cgroup/pids') ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup'
  const lines = run(`
    cat ${masked.join(' ')} | wc -c; ls /sys/firmware | wc -l
    for path in ${readonly.join(' ')}; do (echo x > $path) 2>&1; done
    mkdir ${controller}/x 2>&1
    mount -t proc proc /tmp 2>&1; true`)
  assert.deepEqual(lines.slice(0, 2), ['0', '0'])
  assert.equal(lines.length, readonly.length + 4)
  for (const line of lines.slice(2, -1)) assert.match(line, /read-only file system/i)
  assert.match(lines.at(-1) ?? '', /permission denied|operation not permitted/i)
})

void test('a user other than root has no capability but the bounding set', { skip }, () => {
  const user = { uid: 1000, gid: 1000, additionalGids: [7], home: '/' }
  const lines = run(`id; grep -E 'Cap(Eff|Bnd)' /proc/self/status`, {}, { user })
  assert.match(lines.join(), /uid=1000 gid=1000 groups=.*7.*CapEff:\s+0{16},CapBnd:\s+00000000a80425fb/)
})

void test('a privileged container has every capability that this host can give, and its devices', { skip }, () => {
  const { capabilities, devices } = readHostFacts()
  const disk = devices.find(({ type }) => type === 'b')
  const [effective, seccomp, node] = run(
    `grep CapEff /proc/self/status; grep ^Seccomp: /proc/self/status; test -b ${disk?.path ?? '/'} && echo block; mkdir /sys/fs/cgroup/x 2>/dev/null; true`,
    { Privileged: true },
  )
  assert.equal(effective?.split(/\s+/)[1], capabilities.toString(16).padStart(16, '0'))
  assert.match(seccomp ?? '', /\s0$/)
  assert.equal(node, disk ? 'block' : undefined)
})

const namespaces = ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup']

function links(hostConfig: HostConfig): string[] {
  return run(`for n in ${namespaces.join(' ')}; do readlink /proc/self/ns/$n; done`, hostConfig)
}

void test("namespaces are the container's own, or the host's where it says so", { skip }, () => {
  const ours = namespaces.map((name) => readlinkSync(`/proc/self/ns/${name}`))
  assert.deepEqual(links({}).filter((link) => ours.includes(link)), [])
  const shared = links({ NetworkMode: 'host', IpcMode: 'host', PidMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' })
  assert.deepEqual(shared.slice(1), ours.slice(1))
})

void test('binds, tmpfs and a read-only root are what was asked for', { skip }, () => {
  const source = join(directory, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'file'), 'content')
  const lines = run(
    `cat /data/file; echo; (echo x > /data/file) 2>&1 | grep -o 'Read-only file system'; df /t | tail -1 | awk '{print $2}'; echo x > /rw/new && cat /rw/new`,
    { Binds: [`${source}:/data:ro`, `${source}:/rw`], Tmpfs: { '/t': 'size=1m' } },
  )
  assert.deepEqual(lines, ['content', 'Read-only file system', '1024', 'x'])
})
