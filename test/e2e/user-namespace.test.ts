import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import { namespace, read } from './harness/processes.ts'
import { makePrivateEtc } from './harness/private-etc.ts'
import { must } from './harness/run.ts'
import { engineUnderTest, tiny, throughEachClient } from './harness/stories.ts'

const etc = await makePrivateEtc()
after(() => etc.close())

const owner = (file: string): string => {
  const { uid, gid } = statSync(file)
  return `${uid}:${gid}`
}
const idMap = (pid: number | string) => read(`/proc/${pid}/uid_map`).trim().split(/\s+/).join(' ')
const whole = '0 0 4294967295'
/** Owners and names of an archive's members. */
const listing = async (archive: string) => (await must(['tar', '-tv', '--numeric-owner', '-f', archive])).split('\n').map((line) => line.split(/\s+/)).map(([, ids, , , , name]) => `${ids} ${name}`)
/** Debian's dockerd of the comparison is started by the same flag, but shares no layers. */
const ours = { skip: engineUnderTest !== 'gantryd' && 'Docker keeps another store for remapped layers' }

throughEachClient('remapped users', (stage) => {
  const subordinate = Number(/^dockremap:(\d+):65536$/m.exec(etc.read('subuid'))?.[1] ?? 100_000)
  const mapped = `0 ${subordinate} 65536`
  const root = `${subordinate}:${subordinate}`
  const place = (name: string) => path.join(stage.engine.directory, name)

  void test('root of a container is nobody on the host, and the daemon stays root', async () => {
    assert.match(etc.read('passwd'), /^dockremap:x:\d+:\d+:/m)
    for (const file of ['subuid', 'subgid']) assert.match(etc.read(file), new RegExp(`^dockremap:${subordinate}:65536$`, 'm'))
    await using container = await stage.container(tiny, 'sleep', '99')
    assert.equal(idMap(container.pid), mapped)
    assert.equal(read(`/proc/${container.pid}/gid_map`).trim().split(/\s+/).join(' '), mapped)
    assert.match(read(`/proc/${container.pid}/status`), new RegExp(`^Uid:\\t${subordinate}\\t`, 'm'))
    assert.equal(await must(['ps', '-o', 'user=', '-p', String(stage.engine.pid())]), 'root')
    assert.match(await stage.ok('info', '-f', '{{.SecurityOptions}}'), /name=userns/)
    assert.equal(await stage.ok('exec', container.id, 'cat', '/proc/self/uid_map').then((text) => text.trim().split(/\s+/).join(' ')), mapped)
  })

  void test('files made in a volume belong to the subordinate user, those in the image to root of the container', async () => {
    mkdirSync(place('shared'))
    chownSync(place('shared'), subordinate, subordinate)
    const script = 'touch /shared/file /made/file /volume/file /own && chown 7:8 /own && stat -c %u:%g / /bin/busybox /made /volume /own /etc/hosts /etc/hostname /etc/resolv.conf /dev/shm /dev/null'
    const binds = ['-v', `${place('shared')}:/shared`, '-v', `${place('made')}:/made`, '-v', '/volume']
    await using container = await stage.container(...binds, tiny, 'sh', '-c', `${script} && sleep 99`)
    assert.equal(await stage.ok('exec', container.id, 'true'), '')
    const [volume = ''] = (await container.inspect('{{range .Mounts}}{{if eq .Type "volume"}}{{.Source}}{{end}}{{end}}')).split('\n')
    for (const directory of [place('shared'), place('made'), volume]) assert.equal(owner(path.join(directory, 'file')), root, directory)
    assert.equal(owner(place('made')), root)
    const inside = (await stage.ok('logs', container.id)).split('\n')
    assert.deepEqual(inside.slice(0, 9), ['0:0', '0:0', '0:0', '0:0', '7:8', '0:0', '0:0', '0:0', '0:0'])
    if (engineUnderTest === 'gantryd') assert.equal(owner(path.join(stage.engine.dataRoot, 'overlay2', container.id, 'diff/own')), '7:8')
    await stage.ok('rm', '-fv', container.id)
    assert.deepEqual(etc.mounts().filter((mount) => mount.includes(container.id)), [])
  })

  void test('what belongs to root of the host cannot be written to, nor given away', async () => {
    mkdirSync(place('host'))
    writeFileSync(path.join(place('host'), 'secret'), 'host', { mode: 0o600 })
    const { code, stderr } = await stage.docker('run', '--rm', '-v', `${place('host')}:/host`, tiny, 'sh', '-c', 'cat /host/secret; echo x >/host/secret; touch /host/new; chown 0 /host; chown 70000 /etc/passwd')
    assert.notEqual(code, 0)
    assert.match(stderr, /open '.*secret': Permission denied[^]*create .*secret: Permission denied[^]*new: Permission denied[^]*Operation not permitted[^]*Invalid argument/)
    assert.equal(existsSync(path.join(place('host'), 'new')), false)
  })

  void test('users, terminals, hosts files, output and network work as without', async () => {
    assert.equal(await stage.ok('run', '--rm', '-u', '500:600', tiny, 'sh', '-c', 'id -u; id -g; echo error >/dev/stderr; echo out >/dev/stdout'), '500\n600\nout')
    assert.match(await stage.ok('run', '--rm', '-t', '-u', '500', tiny, 'stat', '-c', '%u:%g %n', '/dev/console', '/dev/pts/0'), /^500:5 \/dev\/console\s+500:5 \/dev\/pts\/0/)
    await using container = await stage.container('--hostname', 'web', tiny, 'sleep', '99')
    assert.match(await stage.ok('exec', '-u', '500', container.id, 'sh', '-c', 'id -u; cat /etc/hosts'), /^500\n[^]*web/)
    assert.match(await stage.ok('exec', container.id, 'sh', '-c', 'ping -c 1 -W 2 $(ip route | sed -n "s/^default via \\([^ ]*\\).*/\\1/p")'), /1 packets received/)
    const twice = ['run', '--rm', '--read-only', '--tmpfs', '/t', '--shm-size', '1m', tiny, 'sh', '-c', 'touch /t/a /dev/shm/a; stat -c %u:%g /t/a /dev/shm/a; touch /x']
    const { stdout, stderr } = await stage.docker(...twice)
    assert.equal(stdout, '0:0\n0:0\n')
    assert.match(stderr, /Read-only file system/)
  })

  void test('what belongs to the host is refused, and --userns=host opts out', async () => {
    const refused: [string[], RegExp][] = [
      [['--privileged'], /privileged mode is incompatible with user namespaces\. {2}You must run the container in the host namespace when running privileged mode/],
      [['--network=host'], /cannot share the host's network namespace when user namespaces are enabled/],
      [['--pid=host'], /cannot share the host PID namespace when user namespaces are enabled/],
    ]
    for (const [flags, text] of refused) {
      const { code, stderr } = await stage.docker('run', '--rm', ...flags, tiny, 'true')
      assert.deepEqual([code, text.test(stderr)], [125, true], stderr)
    }
    await using container = await stage.container('--userns=host', tiny, 'sleep', '99')
    assert.equal(idMap(container.pid), whole)
    assert.equal(namespace(container.pid, 'user'), namespace('self', 'user'))
    assert.equal(await container.inspect('{{.HostConfig.UsernsMode}}'), 'host')
    assert.equal(await stage.ok('run', '--rm', '--userns=host', '--pid=host', '--network=host', tiny, 'stat', '-c', '%u', '/bin/busybox'), '0')
    const { stderr } = await stage.docker('run', '--rm', '--userns=nobody', tiny, 'true')
    assert.match(stderr, /invalid (user namespace|USER) mode/i)
  })

  void test('who joins namespaces of another container is in its user namespace', async () => {
    await using first = await stage.container('--ipc=shareable', tiny, 'sh', '-c', 'echo hello >/dev/shm/word; sleep 99')
    const flags = ['network', 'pid', 'ipc'].map((kind) => `--${kind}=container:${first.id}`)
    await using second = await stage.container(...flags, tiny, 'sleep', '98')
    for (const kind of ['user', 'net', 'pid', 'ipc']) assert.equal(namespace(second.pid, kind), namespace(first.pid, kind), kind)
    assert.match(await stage.ok('exec', second.id, 'sh', '-c', 'ps; cat /dev/shm/word; stat -c %u:%g / /dev/shm/word'), /sleep 99[^]*hello\n0:0\n0:0$/)
    await using outside = await stage.container('--userns=host', tiny, 'sleep', '97')
    const { code } = await stage.docker('run', '--rm', `--network=container:${outside.id}`, tiny, 'true')
    assert.notEqual(code, 0)
  })

  void test('copies in and out, exports and new volumes have the ids of the container', ours, async () => {
    mkdirSync(place('in/below'), { recursive: true })
    writeFileSync(path.join(place('in/below'), 'file'), 'copied')
    chownSync(place('in/below'), 30, 40)
    const make = 'mkdir /made; echo x >/made/file; chown 7:8 /made/file'
    await using container = await stage.container('-v', '/home', tiny, 'sh', '-c', `${make}; sleep 99`)
    const copied = async () => {
      await stage.ok('cp', '-a', `${place('in')}/.`, `${container.id}:/made`)
      await stage.ok('cp', '-a', `${place('in')}/.`, `${container.id}:/home`)
      await must(['sh', '-c', '"$0" cp "$1" - >"$2"', stage.program, `${container.id}:/made`, place('out')], { env: stage.env })
      await stage.ok('export', '-o', place('exported'), container.id)
      return [...(await listing(place('out'))), ...(await listing(place('exported'))).filter((line) => / made\//.test(line))]
    }
    const members = ['0/0 made/', '30/40 made/below/', '0/0 made/below/file', '7/8 made/file']
    const expected = [...members, ...members]
    const inside = () => stage.ok('exec', container.id, 'stat', '-c', '%u:%g', '/made', '/made/below', '/made/below/file', '/home/user500', '/home/below')
    assert.deepEqual(await copied(), expected)
    assert.equal(await inside(), '0:0\n30:40\n0:0\n500:500\n30:40')
    await stage.ok('stop', '-t', '0', container.id)
    assert.deepEqual(await copied(), expected, 'of a stopped container')
    await stage.ok('start', container.id)
    assert.equal(await inside(), '0:0\n30:40\n0:0\n500:500\n30:40')
  })

  void test('after kill -9 of the daemon all goes on, and the next start is the same', async () => {
    await using container = await stage.container(tiny, 'sh', '-c', 'test -e /kept || touch /kept; stat -c %u /kept; sleep 99')
    await stage.engine.kill9()
    await stage.engine.start()
    assert.equal(idMap(await container.inspect('{{.State.Pid}}')), mapped)
    assert.equal(await stage.ok('exec', container.id, 'stat', '-c', '%u', '/kept'), '0')
    await stage.ok('restart', '-t', '0', container.id)
    assert.equal(idMap(await container.inspect('{{.State.Pid}}')), mapped)
    assert.equal(await stage.ok('logs', container.id), '0\n0')
  })

  void test('other runtimes get the same user namespace', ours, async () => {
    chmodSync(stage.engine.directory, 0o755)
    for (const runtime of ['runc', 'crun']) {
      const map = await stage.ok('run', '--rm', '--runtime', runtime, '-u', '500', tiny, 'sh', '-c', 'stat -c %u /; id -u; cat /proc/self/uid_map')
      assert.equal(map.trim().split(/\s+/).join(' '), `0 500 ${mapped}`, runtime)
    }
  })
}, { images: [tiny], flags: ['--userns-remap', 'default', ...(engineUnderTest === 'gantryd' ? ['--add-runtime', 'crun=crun'] : [])], enter: () => etc.enter })
