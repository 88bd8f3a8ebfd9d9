import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { onOneMachine, tiny } from '../harness/stage.ts'

/** Counts aloud, keeps a number in memory and a file in memory, answers on port 80, and ends with 7 at SIGTERM. */
const counter = 'trap "exit 7" TERM; (while :; do echo from $HOSTNAME | nc -l -p 80 >/dev/null; done) & i=0; echo kept >/mem/file; while :; do i=$((i+1)); echo $i; echo $i >/data/last; sleep 0.2; done'
const plain = 'trap "exit 7" TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done'

const helpers = `set -o pipefail
wait_for() { for i in $(seq 100); do eval "$1" && return 0; sleep 0.2; done; echo "never: $1"; return 1; }
state() { docker inspect -f "{{.State.Status}} {{.State.ExitCode}}" $1; }
ask() { timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; echo >&3; cat <&3'; }
last_line() { docker logs --tail 1 $1 | tail -n 1 | tr -d '\\r'; }
places() { docker inspect -f '{{.NetworkSettings.Networks.mine.IPAddress}} {{.NetworkSettings.Networks.mine.MacAddress}}' $1; }
leftovers() { echo $(ls /run/gantry/containers | wc -l) tasks, $(ip -o link | grep -c veth) interfaces, $(grep -c "/var/lib/gantry/overlay2/.*merged" /proc/mounts) roots, $(find /sys/fs/cgroup -name 'docker-*.scope' | wc -l) cgroups; }
`
const nothingLeft = '0 tasks, 0 interfaces, 0 roots, 0 cgroups'

/** Emulated, on a kernel that criu of the same distribution knows. */
onOneMachine('checkpoints of the Engine API', (stage) => {
  const must = (script: string): Promise<string> => stage.must(helpers + script)

  before(() => stage.daemon.restartWith('--experimental'))

  test('a container goes on where it was, on its networks and ports, with its limits, files, logs, health and exit code', async () => {
    const text = await must(`docker network create --subnet 10.60.0.0/24 mine >/dev/null
docker run -d --name c1 --hostname one --restart always --network mine -p 8080:80 -m 64m --pids-limit 50 --tmpfs /mem -v data:/data --health-cmd 'test -e /mem/file' --health-interval 1s ${tiny} sh -c '${counter}' >/dev/null
wait_for '[ "$(last_line c1)" -ge 3 ]'; before=$(places c1)
docker checkpoint create c1 one1; state c1; docker checkpoint ls c1; stopped=$(last_line c1); leftovers
docker start --checkpoint one1 c1; state c1
wait_for '[ "$(last_line c1)" -gt "$((stopped + 2))" ]'; docker logs c1 | awk '$1 != NR { print "not " NR ": " $1; exit }'
docker exec c1 sh -c 'cat /mem/file; hostname; ip -o -4 addr show eth0 | grep -o "10.60.0.[0-9]*/24"; grep Seccomp: /proc/1/status; [ $(cat /data/last) -gt '$stopped' ] && echo its volume; cat /proc/sys/net/ipv4/ip_unprivileged_port_start'
[ "$before" = "$(places c1)" ] && echo same addresses; wait_for 'ask'
place=$(find /sys/fs/cgroup -type d -name "*$(docker inspect -f '{{.Id}}' c1)*" | head -n 1); cat $place/memory.max $place/pids.max; grep -c . $place/cgroup.procs | grep -q '^[1-9]' && echo in its cgroup
wait_for '[ "$(docker inspect -f "{{.State.Health.Status}}" c1)" = healthy ]' && echo healthy; docker top c1 | grep -q 'sh -c' && echo top
docker stop c1 >/dev/null; state c1; docker checkpoint rm c1 one1; docker checkpoint ls c1; docker rm -f c1 >/dev/null; leftovers`)
    assert.deepEqual(text.split('\n'), [
      'one1', 'exited 137', 'CHECKPOINT NAME', 'one1', nothingLeft, 'running 0', 'kept', 'one', '10.60.0.2/24', 'Seccomp:\t2', 'its volume', '0', 'same addresses', 'from one', '67108864', '50', 'in its cgroup',
      'healthy', 'top', 'exited 7', 'CHECKPOINT NAME', nothingLeft,
    ])
  })

  test('a checkpoint leaves a container with a terminal running, in a directory of the user; the next daemon knows what was restored', async () => {
    const text = await must(`docker run -dt --name c2 ${tiny} sh -c '${plain}' >/dev/null; wait_for '[ "$(last_line c2)" -ge 3 ]'
gantry checkpoint create --leave-running --checkpoint-dir /srv/kept c2 two2; state c2; gantry checkpoint ls --checkpoint-dir /srv/kept c2; n=$(last_line c2); wait_for '[ "$(last_line c2)" -gt $n ]' && echo it goes on
docker stop c2 >/dev/null; state c2; gantry start --checkpoint two2 --checkpoint-dir /srv/kept c2; wait_for '[ "$(docker logs c2 | wc -l)" -gt $((n + 3)) ]'; state c2`)
    assert.deepEqual(text.split('\n'), ['two2', 'running 0', 'CHECKPOINT NAME', 'two2', 'it goes on', 'exited 7', 'running 0'])
    await stage.daemon.kill9()
    await stage.daemon.start()
    const after = await must(`state c2; n=$(docker logs c2 | wc -l); wait_for '[ "$(docker logs c2 | wc -l)" -gt $n ]' && echo it goes on
docker exec c2 sh -c 'ip -o -4 addr show eth0 | grep -c 172.17'; [ $(docker inspect -f '{{.State.Pid}}' c2) = $(head -n 1 $(find /sys/fs/cgroup -name "docker-$(docker inspect -f '{{.Id}}' c2).scope")/cgroup.procs) ] && echo its pid
docker stop c2 >/dev/null; state c2; docker rm c2 >/dev/null; leftovers`)
    assert.deepEqual(after.split('\n'), ['running 0', 'it goes on', '1', 'its pid', 'exited 7', nothingLeft])
  })

  test('what criu cannot do is told in its words; the container goes on, and there is no checkpoint', async () => {
    const text = await must(`docker run -d --name c3 --privileged ${tiny} sh -c 'exec 9</dev/loop-control; ${plain}' >/dev/null; wait_for '[ "$(last_line c3)" -ge 2 ]'
docker checkpoint create c3 three 2>&1 | grep -o 'Error response from daemon: Cannot checkpoint container c3: criu: .*dump.log'; state c3; docker checkpoint ls c3; n=$(last_line c3); wait_for '[ "$(last_line c3)" -gt $n ]' && echo it goes on
mkdir /var/lib/gantry/containers/$(docker inspect -f '{{.Id}}' c3)/checkpoints/half; docker rm -f c3 >/dev/null; docker create --name c4 ${tiny} true >/dev/null; place=/var/lib/gantry/containers/$(docker inspect -f '{{.Id}}' c4)/checkpoints/bad
mkdir $place; echo '[]' >$place/descriptors.json; docker start --checkpoint bad c4 2>&1 | grep -o 'cannot restore from the checkpoint: criu: .*restore.log'; docker inspect -f '{{.State.Status}} {{.State.Running}}' c4; leftovers; docker start -a c4 && echo it can still be started; docker rm c4 >/dev/null`)
    const [refused = '', status, header, goesOn, unrestored = '', ...rest] = text.split('\n')
    assert.match(refused, /^Error response from daemon: Cannot checkpoint container c3: criu: .+dump.log$/)
    assert.match(unrestored, /^cannot restore from the checkpoint: criu: .+restore.log$/)
    assert.deepEqual([status, header, goesOn, ...rest], ['running 0', 'CHECKPOINT NAME', 'it goes on', 'created false', nothingLeft, 'it can still be started'])
  })
})
