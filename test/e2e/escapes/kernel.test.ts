import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { must } from '../harness/run.ts'
import { privilegedMissing, tools } from '../harness/stories.ts'
import { attackEngine } from './stage.ts'

const EPERM = 1
const ENOSYS = 38

/** "name errno" lines, or "name kind errno". */
function results(stdout: string): Map<string, number> {
  return new Map(stdout.trim().split('\n').map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
}

attackEngine('escapes through the kernel', (stage) => {
  void test('no system call that reaches the whole machine is allowed', privilegedMissing, async () => {
    const { stdout } = await stage.docker('run', '--rm', ...stage.armed, tools, '/attack/syscalls')
    const refused = results(stdout)
    assert.ok(refused.size > 30, stdout)
    assert.deepEqual([...refused].filter(([, errno]) => errno !== EPERM && errno !== ENOSYS), [])
    // With the filter and the capabilities out of the way the same calls fail, if at all, for their senseless arguments.
    const open = results((await stage.docker('run', '--rm', '--privileged', ...stage.armed, tools, '/attack/syscalls')).stdout)
    const reached = [...open].filter(([, errno]) => errno !== EPERM && errno !== ENOSYS)
    assert.ok(reached.length > 20, JSON.stringify([...open]))
  })

  void test('no namespace can be made: unshare -U would give every capability and with them mounts', async () => {
    const { stdout } = await stage.docker('run', '--rm', ...stage.armed, tools, '/attack/new-namespaces')
    const refused = results(stdout)
    assert.equal(refused.size, 24, stdout)
    assert.deepEqual([...refused].filter(([call, errno]) => errno !== (call.startsWith('clone3') ? ENOSYS : EPERM)), [])
    const open = results((await stage.docker('run', '--rm', '--security-opt', 'seccomp=unconfined', ...stage.armed, tools, '/attack/new-namespaces')).stdout)
    for (const call of ['clone user', 'clone3 user', 'unshare user+mount']) assert.equal(open.get(call), 0, `${call} without the filter`)
  })

  void test('a file handle does not open the root of the host (shocker)', async () => {
    const attack = ['/attack/shocker', stage.bait.file]
    const refused = await stage.docker('run', '--rm', ...stage.armed, tools, ...attack)
    assert.match(refused.stderr, /open_by_handle_at: Operation not permitted/)
    const unfiltered = await stage.docker('run', '--rm', '--security-opt', 'seccomp=unconfined', ...stage.armed, tools, ...attack)
    assert.match(unfiltered.stderr, /open_by_handle_at: Operation not permitted/, 'the capability is a second defence')
    const allowed = await stage.docker('run', '--rm', '--cap-add', 'DAC_READ_SEARCH', ...stage.armed, tools, ...attack)
    // The attack supposes that the bait lies on a disk whose root is inode 2; on a tmpfs it cannot succeed.
    if (statSync('/').ino === 2 && statSync(stage.bait.file).dev === statSync('/').dev) assert.equal(allowed.stdout.trim(), stage.bait.secret.trim())
    else assert.match(allowed.stderr, /open_by_handle_at: (Stale file handle|Operation not supported)/)
  })

  void test('a node of a disk of the host can be made and not be read or written', privilegedMissing, async () => {
    const image = path.join(stage.place('disk'), 'image')
    writeFileSync(image, stage.bait.secret.padEnd(1 << 16, '\n'))
    const device = await must(['losetup', '--show', '-f', image])
    const number = device.replace('/dev/loop', '')
    try {
      const node = `mknod /disk b 7 ${number}`
      const reading = await stage.docker('run', '--rm', tools, 'sh', '-c', `${node} && head -c 64 /disk`)
      assert.match(reading.stderr, /\/disk: Operation not permitted/)
      assert.equal(reading.stdout, '')
      const writing = await stage.docker('run', '--rm', tools, 'sh', '-c', `${node} && echo OWNED > /disk`)
      assert.match(writing.stderr, /can't create \/disk: Operation not permitted/)
      assert.ok(readFileSync(image, 'utf8').startsWith(stage.bait.secret))
      const open = await stage.ok('run', '--rm', '--privileged', tools, 'sh', '-c', `rm -f /disk; ${node}; head -c 64 /disk`)
      assert.equal(open, stage.bait.secret)
    } finally {
      await must(['losetup', '-d', device])
    }
  })

  void test('/dev/mem, /dev/kmsg, loop and fuse devices cannot be opened through nodes of one\'s own', async () => {
    const attack = 'for d in "c 1 1" "c 1 11" "c 10 237" "b 7 0" "c 10 229" "c 10 200" "c 1 4"; do rm -f /x; mknod /x $d; (: < /x) 2>/dev/null && echo "opened $d"; done; echo done'
    assert.equal(await stage.ok('run', '--rm', tools, 'sh', '-c', attack), 'done')
    assert.match(await stage.ok('run', '--rm', '--privileged', tools, 'sh', '-c', attack), /opened c 1 11/)
  })

  void test('release_agent is out of reach (CVE-2022-0492)', async () => {
    const attack = 'unshare -Urm sh -c "mkdir -p /m; mount -t cgroup -o memory none /m && ls /m/release_agent && echo /x > /m/release_agent && echo reached"'
    const refused = await stage.docker('run', '--rm', tools, 'sh', '-c', attack)
    assert.match(refused.stderr, /unshare.*: Operation not permitted/)
    for (const flags of [['--security-opt', 'seccomp=unconfined'], ['--cap-add', 'SYS_ADMIN']]) {
      const { stdout } = await stage.docker('run', '--rm', ...flags, tools, 'sh', '-c', attack)
      assert.doesNotMatch(stdout, /release_agent|reached/, flags.join(' '))
    }
  })

  void test('with CAP_SYS_ADMIN no v1 tree shows its top, where release_agent is', async () => {
    const hierarchies = '$(sed "s/^[0-9]*:\\([^:]*\\):.*/\\1/" /proc/self/cgroup | grep . | sed "s/^name=/none,name=/")'
    const attack = `for o in ${hierarchies}; do mkdir -p /m/$o; mount -t cgroup -o $o none /m/$o && echo "mounted $o"; done; find /m -name release_agent`
    const { stdout } = await stage.docker('run', '--rm', '--cap-add', 'SYS_ADMIN', tools, 'sh', '-c', attack)
    assert.doesNotMatch(stdout, /release_agent/)
    if (!stdout.includes('mounted')) return // a host with nothing but v2 has no release_agent at all
    const open = await stage.docker('run', '--rm', '--cap-add', 'SYS_ADMIN', '--cgroupns', 'host', tools, 'sh', '-c', attack)
    assert.match(open.stdout, /release_agent/, 'the cgroup namespace is what hides it')
  })

  void test('cgroup files are read-only, and no tree above the container\'s is seen', async () => {
    const attack = 'echo ro: $(grep -c " /sys/fs/cgroup.* ro" /proc/self/mountinfo); for f in $(find /sys/fs/cgroup -type f -maxdepth 3); do (echo 0 > $f) 2>/dev/null && echo "wrote $f"; done; mkdir /sys/fs/cgroup/*/x /sys/fs/cgroup/x 2>/dev/null && echo made; grep -v ":/$" /proc/self/cgroup; echo done'
    assert.match(await stage.ok('run', '--rm', tools, 'sh', '-c', attack), /^ro: [1-9]\d*\ndone$/)
  })
})
