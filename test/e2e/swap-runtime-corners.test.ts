import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { eventually } from './harness/eventually.ts'
import { sweep } from './harness/private-directory.ts'
import { findProgram } from './harness/program.ts'
import { must, run } from './harness/run.ts'
import { sideBySide, type SideBySide } from './harness/side-by-side.ts'

const missing = ['runc', 'python3', 'gcc'].filter((name) => findProgram(name) === undefined)
const skip = missing.length > 0 && `not installed: ${missing.join(', ')}`

/** A service manager: listens on a datagram socket and prints every message, until it has `count`. */
const manager = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(60)
print('listening', flush=True)
for _ in range(int(sys.argv[2])): print(s.recv(4096).decode().strip().replace(sys.argv[3] if len(sys.argv) > 3 else chr(0), 'PID'), flush=True)
`

/** Accepts one connection, and sends a signal through the descriptor that comes with it. */
const pidfdReceiver = `
import os, signal, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM); s.bind(sys.argv[1]); s.listen(1)
print('listening', flush=True)
c, _ = s.accept()
_, descriptors, _, _ = socket.recv_fds(c, 64, 4)
open(sys.argv[2], 'w').write(open(f'/proc/self/fdinfo/{descriptors[0]}').read())
while not os.path.exists(sys.argv[1] + '.pid'): time.sleep(0.05)
time.sleep(0.2)
signal.pidfd_send_signal(descriptors[0], signal.SIGKILL)
`

void describe('gantry-runc beside runc, in the corners', { concurrency: false, skip }, () => {
  let stage: SideBySide

  before(async () => {
    await sweep()
    stage = await sideBySide()
    writeFileSync(path.join(stage.directory, 'manager.py'), manager)
    writeFileSync(path.join(stage.directory, 'pidfd.py'), pidfdReceiver)
  })
  after(async () => stage.close())

  void test('prestart and createRuntime hooks run when all is mounted and the root is not entered yet', async () => {
    // The pid of the state on their input; the host's root is still that of the process, and the mounts are there.
    const look = (point: string): { path: string; args: string[] }[] => [
      {
        path: '/bin/sh',
        args: ['sh', '-c', `pid=$(tr -d ' \\n' | sed 's/.*"pid":\\([0-9]*\\).*/\\1/'); echo ${point} $(test -e /proc/$pid/root${stage.directory} && echo outside) $(grep -c rootfs/proc /proc/$pid/mountinfo) >>${stage.directory}/seen`],
      },
    ]
    const place = await stage.bundle((spec) => {
      spec.hooks = { prestart: look('prestart'), createRuntime: look('createRuntime'), poststart: look('poststart') }
      spec.process!.args = ['sleep', '0.5']
    })
    const seen = await stage.both(async (runtime) => {
      writeFileSync(`${stage.directory}/seen`, '')
      const { code } = await stage.call(runtime, 'run', '-b', place, 'hooked')
      return [code, readFileSync(`${stage.directory}/seen`, 'utf8').split('\n').map((line) => line.split(' ').slice(0, 2).join(' '))]
    })
    assert.deepEqual(seen, [0, ['prestart outside', 'createRuntime outside', 'poststart', '']].map((part) => (Array.isArray(part) ? part.map((line) => (line === 'poststart' ? 'poststart 0' : line)) : part)))
  })

  void test('a hook that fails before the root is entered leaves no container', async () => {
    const place = await stage.bundle((spec) => {
      spec.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'echo no >&2; exit 3'] }] }
    })
    await stage.both(async (runtime) => {
      const { code, stderr } = await stage.call(runtime, 'create', '-b', place, 'unlucky')
      assert.match(stderr, /exit status 3, std(err|out): ?no|exit status 3/)
      return [code, (await stage.call(runtime, 'list', '-q')).stdout]
    })
  })

  void test('without pivot_root the container sees its own root all the same', async () => {
    const place = await stage.bundle((spec) => (spec.process!.args = ['sh', '-c', `ls / | tr '\\n' ' '; ls ${stage.directory} 2>&1; pwd`]))
    const { code, stdout } = await stage.both((runtime) => stage.call(runtime, 'run', '--no-pivot', '-b', place, 'moved'))
    assert.equal(code, 0)
    assert.match(stdout, /^bin dev .*No such file or directory\n\/\n$/s)
  })

  void test('a mount namespace can be joined by path', async () => {
    const results = await stage.both(async (runtime) => {
      const place = await stage.bundle(() => {})
      const file = path.join(place, 'config.json')
      const { stdout } = await stage.shell(
        runtime,
        `unshare -m --propagation private sleep 30 & pid=$!
         until [ "$(cat /proc/$pid/comm)" = sleep ]; do sleep 0.05; done
         sed -i 's#{"type":"mount"}#{"type":"mount","path":"/proc/'$pid'/ns/mnt"}#; s#"args":\\["sh"\\]#"args":["readlink","/proc/self/ns/mnt"]#' ${file}
         here=$(readlink /proc/$pid/ns/mnt)
         [ "$(RUNTIME run -b ${place} joined)" = "$here" ] && echo the same
         kill $pid`,
      )
      return stdout
    })
    assert.equal(results, 'the same\n')
  })

  void test('an exec can go into a cgroup of the container', async () => {
    const place = await stage.bundle((spec) => (spec.process!.args = ['sleep', '99']))
    await stage.both(async (runtime) => {
      assert.equal((await stage.shell(runtime, `RUNTIME run -d -b ${place} parent >/dev/null 2>&1 </dev/null`)).code, 0)
      const sub = `/sys/fs/cgroup/pids${stage.cgroupOf(place)}/sub`
      mkdirSync(sub)
      const where = await stage.call(runtime, 'exec', '--cgroup', 'pids:sub', 'parent', 'sh', '-c', 'grep pids: /proc/self/cgroup | cut -d: -f2-; grep memory: /proc/self/cgroup | cut -d: -f2-')
      const refused = [await stage.call(runtime, 'exec', '--cgroup', 'pids:not-there', 'parent', 'true'), await stage.call(runtime, 'exec', '--cgroup', 'a:b:c', 'parent', 'true')].map(({ code }) => code)
      rmdirSync(sub)
      assert.equal((await stage.call(runtime, 'delete', '-f', 'parent')).code, 0)
      return [where, refused]
    })
  })

  void test('sockets of systemd go on to the process, with the variables that say so', async () => {
    const place = await stage.bundle((spec) => (spec.process!.args = ['sh', '-c', 'env | grep ^LISTEN_ | sort; cat <&3']))
    const file = path.join(stage.directory, 'third')
    writeFileSync(file, 'from the third\n')
    const { stdout } = await stage.both((runtime) => stage.shell(runtime, `exec 3<${file}; sh -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec RUNTIME run -b ${place} socket'`))
    assert.equal(stdout, 'LISTEN_FDS=1\nLISTEN_PID=1\nfrom the third\n')
  })

  void test('a descriptor that the caller has not open is no descriptor of the runtime', async () => {
    const place = await stage.bundle((spec) => (spec.process!.args = ['true']))
    // runc hands on what it has there itself.
    assert.match((await stage.call('gantry-runc', 'run', '--preserve-fds', '3', '-b', place, 'closed')).stderr, /cannot preserve descriptor 3 \(of 3\): it is not open/)
  })

  void test('a mount target behind a dangling symlink is made where the link leads, in the root', async () => {
    const source = path.join(stage.directory, 'bound')
    mkdirSync(source)
    writeFileSync(path.join(source, 'inside'), 'yes\n')
    await stage.both(async (runtime) => {
      const place = await stage.bundle((spec) => {
        spec.process!.args = ['sh', '-c', 'cat /made/below/deep/inside /made/file; ls -d /made/below/deep']
        spec.root!.readonly = true
        spec.mounts!.push({ destination: '/link/deep', type: 'bind', source, options: ['rbind', 'ro'] }, { destination: '/file-link', type: 'bind', source: path.join(source, 'inside'), options: ['rbind', 'ro'] })
      }, { ownRoot: true })
      symlinkSync('../../../made/below', path.join(place, 'rootfs/link'))
      symlinkSync('/made/file', path.join(place, 'rootfs/file-link'))
      return stage.call(runtime, 'run', '-b', place, 'dangling')
    })
  })

  void test('a directory as the command is the same failure', async () => {
    const place = await stage.bundle((spec) => (spec.process!.args = ['/bin']))
    await stage.both(async (runtime) => {
      const { code, stderr } = await stage.call(runtime, 'run', '-b', place, 'folder')
      // Which of the two depends on the version of runc.
      assert.match(stderr, /exec: \W*\/bin\W*: (is a directory|permission denied)/)
      return code
    })
  })

  void test('a service says to its manager that it is ready', async () => {
    await must(['gcc', '-static', '-O1', '-o', path.join(stage.directory, 'rootfs/bin/notify'), path.join(import.meta.dirname, 'harness/notify.c')])
    const ready = 'notify STATUS=no; notify READY=1; exec sleep 99'
    const place = await stage.bundle((spec) => (spec.process!.args = ['sh', '-c', ready]))
    const once = await stage.bundle((spec) => (spec.process!.args = ['sh', '-c', ready.replace('exec sleep 99', 'sleep 1')]))
    const says = await stage.both(async (runtime) => {
      const socket = path.join(stage.directory, `manager-${runtime}`)
      const listen = (at: string, count: number, pid = ''): string => `python3 ${stage.directory}/manager.py ${at} ${count} ${pid} >${at}.out & m=$!; until grep -qs listening ${at}.out; do sleep 0.05; done`
      const { stdout } = await stage.shell(
        runtime,
        `export NOTIFY_SOCKET=${socket}
         RUNTIME create -b ${place} --pid-file ${socket}.pid ready >/dev/null 2>&1 </dev/null
         ${listen(socket, 2, `$(cat ${socket}.pid)`)}
         RUNTIME start ready; echo started with $?; wait $m; cat ${socket}.out
         RUNTIME delete -f ready
         export NOTIFY_SOCKET=${socket}-once
         ${listen(`${socket}-once`, 1)}
         RUNTIME run -b ${once} once; echo ran with $?; wait $m; cat ${socket}-once.out`,
      )
      return stdout
    })
    assert.equal(says, 'started with 0\nlistening\nREADY=1\nMAINPID=PID\nran with 0\nlistening\nREADY=1\n')
  })

  void test('a pidfd of the process goes to the socket that asks for it', async () => {
    const place = await stage.bundle((spec) => (spec.process!.args = ['sleep', '99']))
    const socket = path.join(stage.directory, 'pidfd')
    await stage.shell(
      'gantry-runc',
      `python3 ${stage.directory}/pidfd.py ${socket} ${socket}.info >${socket}.out & m=$!; until grep -qs listening ${socket}.out; do sleep 0.05; done
       RUNTIME create -b ${place} --pid-file ${socket}.pid --pidfd-socket ${socket} held >/dev/null 2>&1 </dev/null; wait $m`,
    )
    assert.match(readFileSync(`${socket}.info`, 'utf8'), new RegExp(`^Pid:\\s+${readFileSync(`${socket}.pid`, 'utf8')}$`, 'm'))
    await eventually(async () => assert.equal((JSON.parse((await stage.call('gantry-runc', 'state', 'held')).stdout) as { status: string }).status, 'stopped'))
    assert.equal((await stage.call('gantry-runc', 'delete', 'held')).code, 0)
  })

  void test('a cgroup in which somebody is already is refused, as by runc 1.2: its processes would end with the container', async () => {
    const place = await stage.bundle((spec) => (spec.process!.args = ['true']))
    const cgroup = stage.cgroupOf(place)
    const { stdout, stderr } = await stage.shell(
      'gantry-runc',
      `tree=$(ls -d /sys/fs/cgroup/pids 2>/dev/null || echo /sys/fs/cgroup); mkdir $tree${cgroup}; sleep 99 >/dev/null 2>&1 & p=$!; echo $p >$tree${cgroup}/cgroup.procs
       RUNTIME run -b ${place} crowded; echo $?; kill -0 $p && echo alive; RUNTIME state crowded 2>/dev/null || echo none; kill $p; wait $p 2>/dev/null; rmdir $tree${cgroup}`,
    )
    assert.equal(stdout, '1\nalive\nnone\n')
    assert.match(stderr, /container's cgroup is not empty: 1 process\(es\) found/)
  })

  void test('the command is the first word that is no value of an option, also where such a value is named as a command', async () => {
    const root = path.join(stage.directory, 'run')
    assert.match(await must([findProgram('gantry-runc') ?? '', '--root', root, 'list']), /^ID +PID +STATUS/)
    assert.match((await run([findProgram('gantry-runc') ?? '', '--root', root, '--log-format=json', 'state', 'start'])).stderr, /container does not exist/)
    assert.match((await run([findProgram('gantry-runc') ?? '', '--no-such', 'run'])).stderr, /flag provided but not defined: -no-such/)
  })

  void test('what the host cannot do is refused with the reason', async () => {
    const place = await stage.bundle((spec) => (spec.process!.args = ['sleep', '99']))
    assert.equal((await stage.shell('gantry-runc', `RUNTIME run -d -b ${place} plain >/dev/null 2>&1 </dev/null`)).code, 0)
    const resctrl = (await must(['sh', '-c', 'test -e /sys/fs/resctrl/schemata && echo there || echo none'])).trim()
    if (resctrl === 'none') assert.match((await stage.call('gantry-runc', 'update', '--l3-cache-schema', 'L3:0=f', 'plain')).stderr, /cannot set Intel RDT: this host has no resctrl at \/sys\/fs\/resctrl/)
    if (findProgram('criu') === undefined) {
      assert.match((await stage.call('gantry-runc', 'checkpoint', 'plain')).stderr, /cannot checkpoint a container: criu is not installed/)
      assert.match((await stage.call('gantry-runc', 'restore', '-b', place, 'other')).stderr, /cannot restore a container: criu is not installed/)
    }
    assert.equal((JSON.parse((await stage.call('gantry-runc', 'state', 'plain')).stdout) as { status: string }).status, 'running')
    assert.equal((await stage.call('gantry-runc', 'delete', '-f', 'plain')).code, 0)
  })
})
