import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { runtimeOf, type Runtime } from './harness/runtime.ts'
import { onOneMachine } from './harness/stage.ts'

/** Counts aloud, and ends with 7 at SIGTERM. */
const counter = ['sh', '-c', 'trap "exit 7" TERM; i=0; echo kept >/tmp/file; while :; do i=$((i+1)); echo $i; sleep 0.2; done']

/** `follow FILE COMMAND`: its output is a pipe to the file; the pipe's reader has nothing of the script's, which could end before it. */
const helpers = `follow() { local file=$1; shift; ( "$@" </dev/null 2>&1 | cat >"$file" ) >/dev/null 2>&1 & }
wait_for() { for i in $(seq 100); do eval "$1" && return 0; sleep 0.2; done; echo "never: $1"; return 1; }
status_of() { gantry-runc state "$1" 2>/dev/null | sed -n 's/.*"status": "\\([a-z]*\\)".*/\\1/p'; }
lines() { wc -l 2>/dev/null <"$1" || echo 0; }
`

/** Emulated, on a kernel that criu of the same distribution knows. */
onOneMachine('gantry-runc checkpoint and restore', (machine) => {
  let root: Runtime
  const must = (script: string): Promise<string> => root.must(helpers + script)

  before(async () => {
    root = await runtimeOf(machine, 'root')
    await root.bundle(counter)
    // A writable root, a directory of the host, a file system in memory.
    await machine.must(`mkdir -p /srv/data; cd /root/b; node -e '
const fs = require("fs"); const config = JSON.parse(fs.readFileSync("config.json")); config.root.readonly = false
config.mounts.push({ destination: "/data", type: "bind", source: "/srv/data", options: ["rbind"] }, { destination: "/mem", type: "tmpfs", source: "tmpfs", options: ["size=1m"] })
fs.writeFileSync("config.json", JSON.stringify(config))'`)
  })

  test('a container goes on where it was: its counting, its files in memory, its mounts; with the stdio of who restores it', async () => {
    const text = await must(`follow /tmp/o1 gantry-runc run -d k1
wait_for '[ $(lines /tmp/o1) -ge 3 ]'; gantry-runc exec k1 sh -c 'echo in memory >/mem/file; echo on the host >/data/file'
gantry-runc checkpoint --image-path /tmp/i1 k1; echo "ended with $?"; gantry-runc list -q; last=$(tail -n 1 /tmp/o1)
ls -d /sys/fs/cgroup/gantry-runc/k1 2>/dev/null; ls /tmp/i1/pstree.img /tmp/i1/dump.log /tmp/i1/descriptors.json
follow /tmp/o2 gantry-runc restore -d --pid-file /tmp/pid --image-path /tmp/i1 k2
wait_for '[ $(lines /tmp/o2) -ge 3 ]'; status_of k2; [ $(head -n 1 /tmp/o2) -eq $((last + 1)) ] && echo it counts on
gantry-runc exec k2 sh -c 'cat /mem/file /data/file; grep -c " /data " /proc/mounts; cat /proc/1/cgroup; hostname'
cat /proc/$(cat /tmp/pid)/cgroup; grep -c criu /proc/mounts /proc/$(cat /tmp/pid)/mounts
gantry-runc kill k2 TERM; wait_for '[ "$(status_of k2)" = stopped ]'; gantry-runc delete k2; gantry-runc list -q; ls /sys/fs/cgroup/gantry-runc | grep k2; ls /run/gantry-runc`)
    assert.deepEqual(text.split('\n'), [
      'ended with 0', '/tmp/i1/descriptors.json', '/tmp/i1/dump.log', '/tmp/i1/pstree.img', 'running', 'it counts on', 'in memory', 'on the host', '1', '0::/', 'gantry',
      '0::/gantry-runc/k2', '/proc/mounts:0', `/proc/${text.match(/\/proc\/(\d+)\/mounts/)?.[1]}/mounts:0`,
    ])
  })

  test('in the foreground it ends with the exit code of the process, and what was a container before goes on, with --leave-running', async () => {
    const text = await must(`follow /tmp/o3 gantry-runc run -d k3
wait_for '[ $(lines /tmp/o3) -ge 2 ]'; gantry-runc checkpoint --leave-running --work-path /tmp/w3 --image-path /tmp/i3 k3; echo "ended with $?"
status_of k3; n=$(lines /tmp/o3); wait_for '[ $(lines /tmp/o3) -gt $n ]' && echo it goes on; ls /tmp/w3; gantry-runc delete -f k3
( gantry-runc restore --image-path /tmp/i3 --work-path /tmp/w3 k4 </dev/null >/tmp/o4 2>&1; echo "exit code $?" >/tmp/code ) &
wait_for '[ "$(status_of k4)" = running ]'; gantry-runc kill k4 TERM; wait; cat /tmp/code; gantry-runc list -q`)
    assert.deepEqual(text.split('\n'), ['ended with 0', 'running', 'it goes on', 'dump.log', 'stats-dump', 'exit code 7'])
  })

  test('what changed since a pre-dump is enough for the checkpoint after it', async () => {
    const text = await must(`follow /tmp/o5 gantry-runc run -d k5
wait_for '[ $(lines /tmp/o5) -ge 2 ]'; gantry-runc checkpoint --pre-dump --image-path /tmp/i5/first k5; echo "ended with $?"; status_of k5
gantry-runc checkpoint --image-path /tmp/i5/second --parent-path ../first k5; echo "ended with $?"; readlink /tmp/i5/second/parent
follow /tmp/o6 gantry-runc restore -d --image-path /tmp/i5/second k6; wait_for '[ $(lines /tmp/o6) -ge 2 ]' && echo it goes on; gantry-runc delete -f k6`)
    assert.deepEqual(text.split('\n'), ['ended with 0', 'running', 'ended with 0', '../first', 'it goes on'])
  })

  test('what cannot be done is refused in the words of criu, the container goes on, and nothing half made is left', async () => {
    const text = await must(`follow /tmp/o7 sh -c 'exec gantry-runc run -d k7 >/tmp/plain'
wait_for '[ $(lines /tmp/plain) -ge 2 ]'; mkdir /tmp/i7; echo mine >/tmp/i7/mine
gantry-runc checkpoint --image-path /tmp/i7 k7 2>&1 | grep -o 'cannot checkpoint container k7: criu: .* path=/tmp/plain'; ls /tmp/i7
n=$(lines /tmp/plain); wait_for '[ $(lines /tmp/plain) -gt $n ]' && echo it goes on; gantry-runc delete -f k7
gantry-runc restore --image-path /tmp/i7 k8 2>&1 | grep -o 'cannot restore from /tmp/i7'; echo '[]' >/tmp/i7/descriptors.json
gantry-runc restore --image-path /tmp/i7 k8 2>&1 | grep -o 'cannot restore container k8: criu: .*restore.log'; gantry-runc list -q; ls -d /sys/fs/cgroup/gantry-runc/k8 2>/dev/null; ls /run/gantry-runc
gantry-runc create k9 </dev/null >/dev/null 2>&1; gantry-runc checkpoint k9 2>&1 | grep -o 'Container cannot be checkpointed in created state'; gantry-runc delete -f k9`)
    const [refused = '', ...rest] = text.split('\n')
    assert.match(refused, /Can't lookup mount=\d+ for fd=1 path=\/tmp\/plain/)
    assert.match(rest[4] ?? '', /^cannot restore container k8: criu: .*\(log file: \/tmp\/i7\/restore\.log/)
    assert.deepEqual(rest.toSpliced(4, 1), ['dump.log', 'mine', 'it goes on', 'cannot restore from /tmp/i7', 'Container cannot be checkpointed in created state'])
  })
})
