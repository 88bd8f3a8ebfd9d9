import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onOneMachine, tiny } from './harness/stage.ts'

const MiB = 1024 * 1024
/** Work of many kinds: a parent and five children, one of which holds 130 MiB. */
const stress = 'for i in 1 2; do (while :; do sleep 0.2; done) & done; (while :; do sync; sleep 1; done) & sleep 999 & (dd if=/dev/zero of=/dev/shm/held bs=1M count=130 2>/dev/null; touch /tmp/held; sleep 998); wait'

interface Frame {
  pids_stats: { current: number }
  memory_stats: { usage: number; stats: { inactive_file: number } }
  pressure: Record<string, { some: { avg10: number; total: number } }>
}

onOneMachine('what cgroup v2 measures, slows down and marks', (stage) => {
  test('stats show what the files of the cgroup say, and top all that is in it', async () => {
    await using container = await stage.container('--shm-size', '200m', tiny, 'sh', '-c', stress)
    await stage.must(`while [ ! -e /proc/${container.pid}/root/tmp/held ]; do sleep 0.2; done`)
    const names = (await stage.ok('top', container.id, '-o', 'pid,comm')).split('\n').slice(1)
    assert.ok(names.length >= 6, names.join('\n'))
    // By one clock: the files are read on both sides of what the engine tells, and nothing much happens between.
    const [before, text, after] = (await stage.must(`
files() { echo $(cat ${container.cgroup}/memory.current) $(sed -n 's/^inactive_file //p' ${container.cgroup}/memory.stat); }
files; node -e "require('http').get({ socketPath: '/run/docker.sock', path: '/containers/${container.id}/stats?stream=false&one-shot=true' }, (answer) => answer.pipe(process.stdout))"; echo; files`)).split('\n')
    const bounds = [before, after].map((line) => (line ?? '').split(' ').map(Number)).map(([current = 0, inactive = 0]) => current - inactive)
    const { memory_stats: memory } = JSON.parse(text ?? '') as Frame
    const told = memory.usage - memory.stats.inactive_file
    assert.ok(told >= 128 * MiB)
    assert.ok(told > Math.min(...bounds) * 0.99 && told < Math.max(...bounds) * 1.01, `${told} is not within 1 % of ${bounds.join(' to ')}`)
    await stage.ok('pause', container.id)
    // The client waits two seconds, in which an emulated machine may not come to it.
    const shown = await stage.must(`for i in $(seq 20); do docker stats --no-stream --format '{{.PIDs}}' ${container.id} 2>/tmp/said && exit; grep -q 'timeout waiting' /tmp/said || break; done; cat /tmp/said >&2; exit 1`)
    assert.equal(shown, await container.read('pids.current'))
    await stage.ok('unpause', container.id)
  })

  test('stats show how long a container has waited for a processor, by the file cpu.pressure', async () => {
    await using waiting = await stage.container('--name', 'waiting', '--cpus', '.1', tiny, 'sh', '-c', 'while :; do :; done & while :; do :; done')
    await using idle = await stage.container('--name', 'idle', tiny, 'sleep', '999')
    const ask = `node -e "require('http').get({ socketPath: '/run/docker.sock', path: '/gantry/v1/stats' }, (answer) => answer.pipe(process.stdout))"`
    const total = async () => Number(/^some .* total=(\d+)$/m.exec(await waiting.read('cpu.pressure'))?.[1])
    await stage.must(`for i in $(seq 100); do grep -q 'some avg10=0.00' ${waiting.cgroup}/cpu.pressure || exit 0; sleep 0.5; done; exit 1`)
    const least = await total()
    const { containers } = JSON.parse(await stage.must(ask)) as { containers: (Frame & { id: string })[] }
    const most = await total()
    const pressure = (id: string) => containers.find((each) => each.id === id)?.pressure
    const told = pressure(waiting.id)?.['cpu']?.some.total ?? 0
    assert.ok(told > 0 && told >= least && told <= most, `${told} is not from ${least} to ${most}`)
    assert.deepEqual(Object.keys(pressure(idle.id) ?? {}), ['cpu', 'memory', 'io'])
    const shown = await stage.must(`gantry stats --no-stream --format '{{.Name}} {{.Pressure}}'`)
    assert.match(shown, /^waiting cpu [1-9]\d*\.\d\d% \/ memory /m)
  })

  test('--device-write-bps slows writing to the disk down to what it says', async () => {
    await stage.must('mkdir -p /srv/slow')
    await using container = await stage.container('--device-write-bps', '/dev/vda:1mb', '-v', '/srv/slow:/slow', tiny, 'sleep', '999')
    const number = await stage.must(`lsblk -dno MAJ:MIN /dev/vda | tr -d ' '`)
    assert.equal(await container.read('io.max'), `${number} rbps=max wbps=1048576 riops=max wiops=max`)
    const times = await stage.must(`read start rest </proc/uptime; docker exec ${container.id} dd if=/dev/zero of=/slow/file bs=1M count=8 oflag=direct 2>&1 | tail -n 1; read end rest </proc/uptime; echo $start $end`)
    const [start = 0, end = 0] = (times.split('\n').at(-1) ?? '').split(' ').map(Number)
    assert.ok(end - start >= 7, `8 MiB took ${end - start} s`)
  })

  test('a firewall rule counts the packets of one container by its cgroup', async () => {
    await using counted = await stage.container('--network', 'host', tiny, 'sleep', '999')
    await using other = await stage.container('--network', 'host', tiny, 'sleep', '999')
    const place = counted.cgroup.slice('/sys/fs/cgroup/'.length)
    await stage.must(`nft add table inet counts; nft add chain inet counts out '{ type filter hook output priority 0; }'
nft add rule inet counts out tcp dport 9 socket cgroupv2 level ${place.split('/').length} '"${place}"' counter`)
    const send = (id: string) => stage.ok('exec', id, 'sh', '-c', 'nc 127.0.0.1 9 || true')
    const packets = async () => Number(/counter packets (\d+)/.exec(await stage.must('nft list table inet counts'))?.[1])
    await send(other.id)
    assert.equal(await packets(), 0)
    await send(counted.id)
    assert.equal(await packets(), 1)
    await stage.must('nft delete table inet counts')
  })

  test('whoever listens to events can set a weight again at each start', async () => {
    await stage.must(`cat >/root/watch <<'END'
docker events --filter event=start --format '{{.ID}}' | while read -r id; do
  echo 50 >"$(sed -n 's|^0::|/sys/fs/cgroup|p' /proc/$(docker inspect -f '{{.State.Pid}}' $id)/cgroup)/cpu.weight"
  echo $id >>/root/seen
done
END
systemd-run -q --unit=watcher bash /root/watch; for i in $(seq 100); do pgrep -f 'docker events' && break; sleep 0.1; done; sleep 2`)
    await using container = await stage.container('--name', 'watched', tiny, 'sleep', '999')
    const seen = (count: number) => stage.must(`for i in $(seq 200); do [ "$(grep -c ${container.id} /root/seen)" = ${count} ] && exit; sleep 0.1; done; cat /root/seen; exit 1`)
    await seen(1)
    assert.equal(await container.read('cpu.weight'), '50')
    await stage.ok('restart', '-t', '0', container.id)
    await seen(2)
    assert.equal(await container.read('cpu.weight'), '50')
    await stage.must('systemctl stop watcher')
  })
})
