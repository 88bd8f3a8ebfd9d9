import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import type { ImageStore } from '../../../src/containerd/images/contract.ts'
import type { ContainerSummary, Images } from '../../../src/engine/engine.ts'
import { createSystem } from '../../../src/engine/system.ts'
import { securityOptionsOf } from '../../../src/engine/system/security-options.ts'
import { hostWarnings } from '../../../src/engine/system/warnings.ts'

const states = ['running', 'running', 'paused', 'exited', 'created']

const system = createSystem({
  id: 'the-id', version: '1.2.3', gitCommit: 'abc', buildTime: '', dataRoot: '/data', labels: ['a=b'], debug: () => true,
  snapshotter: { name: 'overlay2', status: () => [['Backing Filesystem', 'extfs']] },
  networkDrivers: ['bridge'], logDrivers: ['json-file'], runtimes: () => ({ gantry: { path: 'gantry-runc' } }), kernel: { tool: () => Promise.reject(new Error('no runtime here is a program')) }, defaultRuntime: 'gantry', initPath: 'gantry-init',
  containers: { list: async () => states.map((State) => ({ State, ImageID: 'i' }) as ContainerSummary) },
  images: { store: { list: () => [] as unknown[] } as ImageStore, list: async () => [{ Id: 'i', Size: 5 }] } as unknown as Images,
  layerSize: () => 0,
})

void test('info counts containers by state', async () => {
  const info = await system.info()
  assert.deepEqual([info['Containers'], info['ContainersRunning'], info['ContainersPaused'], info['ContainersStopped']], [5, 2, 1, 2])
})

void test('info says of the host what the host says of itself', async () => {
  const info = await system.info()
  assert.equal(info['KernelVersion'], tool('uname', '-r'))
  assert.equal(info['Architecture'], tool('uname', '-m'))
  assert.equal(info['Name'], tool('hostname'))
  assert.equal(info['NCPU'], Number(tool('nproc')))
  assert.equal(info['OperatingSystem'], tool('sh', '-c', '. /etc/os-release; echo "$PRETTY_NAME"'))
  assert.equal(info['CgroupVersion'], tool('stat', '-fc', '%T', '/sys/fs/cgroup') === 'cgroup2fs' ? '2' : '1')
  assert.equal(Math.floor(Number(info['MemTotal']) / 1024), Number(tool('sh', '-c', "awk '/MemTotal/{print $2}' /proc/meminfo")))
})

void test('security options are those of the host and of the flags, in the order of Docker', () => {
  const host = { seccomp: true, cgroupNamespaces: true }
  assert.deepEqual(securityOptionsOf(host), ['name=seccomp,profile=builtin', 'name=cgroupns'])
  const userRemap = { uids: [], gids: [], root: { uid: 1, gid: 1 } }
  const all = securityOptionsOf(host, { apparmor: 'p', selinux: { process: 'p', file: 'f', sharedFile: 's' }, userRemap, noNewPrivileges: true, seccompName: '/etc/own.json' })
  assert.deepEqual(all, ['name=apparmor', 'name=seccomp,profile=/etc/own.json', 'name=selinux', 'name=userns', 'name=cgroupns', 'name=no-new-privileges'])
})

void test('what a host lacks is warned of', () => {
  const limits = { MemoryLimit: true, SwapLimit: false, CpuCfsPeriod: true, CpuCfsQuota: true, CPUShares: true, CPUSet: true, PidsLimit: true, OomKillDisable: false }
  const host = { limits, ipv4Forwarding: false, seccomp: true, cgroupNamespaces: true, operatingSystem: '', osVersion: '', openFiles: 0 }
  assert.deepEqual(hostWarnings({ ...host, cgroupVersion: '2' }), ['WARNING: No swap limit support', 'WARNING: IPv4 forwarding is disabled'])
  assert.equal(hostWarnings({ ...host, cgroupVersion: '1' }).length, 3)
})

void test('disk usage counts the containers of each image', async () => {
  const { Images: rows } = await system.diskUsage()
  assert.deepEqual(rows, [{ Id: 'i', Size: 5, SharedSize: 0, Containers: 5 }])
})

function tool(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' }).trim()
}
