import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { after, before, describe, test } from 'node:test'
import type { OciProcess, OciSpec } from '../../../src/runc/spec.ts'
import { ContainerHost } from './container-host.ts'
import { sampleSpec } from './sample-spec.ts'
import { startSupervisor } from './seccomp-supervisor.ts'

const project = fileURLToPath(new URL('../../..', import.meta.url))
const uid = 54_321
const subordinate = 700_000

/** What an ordinary user's container looks like: no network of its own to set up, no limits. */
function rootlessSpec(rootfs: string, script: string): OciSpec {
  const spec = sampleSpec(rootfs, { args: ['sh', '-c', script] })
  spec.linux!.namespaces!.push({ type: 'user' })
  spec.linux!.uidMappings = [{ containerID: 0, hostID: uid, size: 1 }]
  spec.linux!.gidMappings = [{ containerID: 0, hostID: uid, size: 1 }]
  spec.mounts = spec.mounts!.filter(({ type }) => type !== 'cgroup')
  delete spec.linux!.resources
  return spec
}

function runAsUser(etc: string, spec: OciSpec, exec?: OciProcess): { code: number; output: string } {
  const script = join(etc, 'project/test/unit/runc/rootless-container.ts')
  const node = process.execPath.startsWith(project) ? join(etc, 'project', process.execPath.slice(project.length)) : process.execPath
  // In a mount namespace of its own the user is known, has subordinate ids, and may reach the checkout, wherever that is.
  const arrange = `mount --bind ${etc}/passwd /etc/passwd; mount --bind ${etc}/subuid /etc/subuid; mount --bind ${etc}/subuid /etc/subgid; mount --bind ${project} ${etc}/project; exec "$@"`
  const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-ec', arrange, 'sh', 'setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--inh-caps=-all', node, '--disable-warning=ExperimentalWarning', script], {
    cwd: '/',
    input: JSON.stringify({ spec, exec }), encoding: 'utf8', timeout: 20_000, env: { PATH: process.env['PATH'] },
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as { code: number; output: string }
}

describe('an ordinary user', { skip: userInfo().uid !== 0 && 'needs root to become one', concurrency: false }, () => {
  const host = new ContainerHost()
  const etc = join(host.directory, 'etc')
  before(() => {
    execFileSync('chown', ['-R', `${uid}:${uid}`, host.rootfs])
    chmodSync(host.directory, 0o755)
    mkdirSync(join(etc, 'project'), { recursive: true })
    writeFileSync(join(etc, 'passwd'), `${readFileSync('/etc/passwd', 'utf8')}gantry-test:x:${uid}:${uid}::/:/bin/sh\n`)
    writeFileSync(join(etc, 'subuid'), `gantry-test:${subordinate}:65536\n`)
  })
  after(() => host.close())

  test('makes a container in which he is root, and alone', () => {
    const { code, output } = runAsUser(etc, rootlessSpec(host.rootfs, 'id -u; cat /proc/self/uid_map /proc/self/setgroups; grep CapEff /proc/self/status; hostname; echo x > /dev/null; ls /sys/class/net; cat /proc/keys; touch /tmp/made; echo $$; exit 3'))
    assert.equal(output, `0\n         0      ${uid}          1\ndeny\nCapEff:\t00000000a80425fb\nsample\nlo\n1\n`)
    assert.equal(code, 3)
  })

  test('moves the clocks of his container', () => {
    const spec = rootlessSpec(host.rootfs, 'cat /proc/uptime')
    spec.linux!.namespaces!.push({ type: 'time' })
    spec.linux!.timeOffsets = { boottime: { secs: 1_000_000, nanosecs: 0 } }
    assert.ok(Number(runAsUser(etc, spec).output.split(' ')[0]) > 1_000_000)
  })

  test('runs a further process in it', () => {
    const spec = rootlessSpec(host.rootfs, 'exec sleep 100')
    const exec = { ...spec.process!, args: ['sh', '-c', 'id -u; readlink /proc/self/ns/user; readlink /proc/1/ns/user; cat /proc/1/comm'] }
    const [id, own, first, comm] = runAsUser(etc, spec, exec).output.split('\n')
    assert.deepEqual([id, comm], ['0', 'sleep'])
    assert.equal(own, first)
  })

  test('has more ids through newuidmap and newgidmap when he has been given some', { skip: !existsSync('/usr/bin/newuidmap') && 'needs newuidmap' }, () => {
    const spec = rootlessSpec(host.rootfs, 'id -u; id -G; cat /proc/self/uid_map')
    for (const field of ['uidMappings', 'gidMappings'] as const) spec.linux![field]!.push({ containerID: 1, hostID: subordinate, size: 1000 })
    spec.process!.user = { uid: 10, gid: 20, additionalGids: [20, 30] }
    assert.equal(runAsUser(etc, spec).output, `10\n20 30\n         0      ${uid}          1\n         1     ${subordinate}       1000\n`)
  })

  test('has a supervisor answer for system calls', async (context) => {
    await startSupervisor(context, join(host.directory, 'listener'))
    const spec = rootlessSpec(host.rootfs, 'umount /proc 2>&1')
    spec.linux!.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: join(host.directory, 'listener'), syscalls: [{ names: ['umount2'], action: 'SCMP_ACT_NOTIFY' }] }
    assert.match(runAsUser(etc, spec).output, /Remote I\/O error/)
  })

  test('cannot map ids that are not his', () => {
    const spec = rootlessSpec(host.rootfs, 'true')
    spec.linux!.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }]
    assert.throws(() => runAsUser(etc, spec), /newuidmap/)
  })
})
