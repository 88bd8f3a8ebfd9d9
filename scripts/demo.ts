import { type Client, type ClientKind, makeClient } from '../test/e2e/harness/client.ts'
import { type Engine, startEngine } from '../test/e2e/harness/engine.ts'
import { eventually } from '../test/e2e/harness/eventually.ts'
import { assertNothingLeftOfEngine } from '../test/e2e/harness/footprint.ts'
import { rootfsArchive, tiny } from '../test/e2e/harness/image.ts'
import { cgroupOf, cgroupValue } from '../test/e2e/harness/cgroup.ts'
import { sweep } from '../test/e2e/harness/private-directory.ts'
import { commandLine, namespace, parentOf, read } from '../test/e2e/harness/processes.ts'

/**
 * Starts an engine on private directories and a network host of its own, so that neither a running Docker nor the firewall of this
 * machine is touched, and shows two containers from the inside and from the outside. Whatever way it ends, nothing stays; what a
 * killed demo left is removed by the next one.
 */
const say = (text = '') => console.log(text)
const row = (what: string, inside: string, outside: string) => say(`  ${what.padEnd(14)}${inside.padEnd(26)}${outside}`)

await sweep()
const engine = await startEngine({ kind: 'gantryd' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void engine.remove().finally(() => process.exit(1)))
try {
  await show(engine, makeClient((process.env.DEMO_CLIENT ?? 'gantry') as ClientKind, engine))
} finally {
  await engine.remove()
}

async function show(on: Engine, client: Client): Promise<void> {
  const started = performance.now()
  await client.ok('import', '-c', 'CMD ["sh"]', '-c', 'ENV PATH=/bin', await rootfsArchive(tiny), 'busybox')
  say(`gantryd ${await client.ok('version', '-f', '{{.Server.Version}}')} runs as process ${on.pid()}; its image busybox took ${Math.round(performance.now() - started)} ms`)
  await insideAndOutside(client)
  await webServer(on, client)
  await client.ok('rm', '-f', 'first', 'web')
  await on.stop()
  await assertNothingLeftOfEngine(on)
  say('\nStopped: no process, mount, cgroup or network namespace is left.')
}

async function insideAndOutside(client: Client): Promise<void> {
  say('\n$ gantry run -d --name first --hostname box -m 64m busybox sleep 1000')
  const id = await client.ok('run', '-d', '--name', 'first', '--hostname', 'box', '-m', '64m', 'busybox', 'sleep', '1000')
  const pid = Number(await client.ok('inspect', '-f', '{{.State.Pid}}', 'first'))
  const inside = (script: string) => client.ok('exec', 'first', 'sh', '-c', script)
  const limit = await inside('cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes')
  say(id)
  row('', 'as the container sees it', 'as the host sees it')
  row('hostname', await inside('hostname'), read('/proc/sys/kernel/hostname').trim())
  row('PID 1', await inside("tr '\\0' ' ' < /proc/1/cmdline"), `PID ${pid}, child of ${parentOf(pid)} (${commandLine(parentOf(pid))[0]?.split('/').at(-1) ?? ''})`)
  row('memory limit', limit, `${cgroupValue(pid, 'memory.max')} in ${shorten(cgroupOf(pid, 'memory'))}`)
  row('address', await inside('hostname -i'), `${await client.ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'first')} behind docker0`)
  row('root', await inside('stat -c %d:%i /'), shorten(await client.ok('inspect', '-f', '{{.GraphDriver.Data.MergedDir}}', 'first')))
  row('namespaces', await inside('readlink /proc/self/ns/pid'), namespace('self', 'pid'))
}

async function webServer(on: Engine, client: Client): Promise<void> {
  say('\n$ gantry run -d --name web -p 8080:80 busybox httpd -f -h /www')
  const serve = 'mkdir /www; echo "<h1>Hello from $(hostname)</h1>" > /www/index.html; exec httpd -f -h /www'
  await client.ok('run', '-d', '--name', 'web', '-p', '8080:80', 'busybox', 'sh', '-c', serve)
  say('$ curl http://127.0.0.1:8080/')
  say(await eventually(() => on.host.must(['curl', '-sf', '--max-time', '2', 'http://127.0.0.1:8080/'])))
  say('$ gantry ps')
  say(await client.ok('ps', '--format', 'table {{.ID}}\t{{.Names}}\t{{.Status}}\t{{.Ports}}'))
}

function shorten(path: string): string {
  return path.replaceAll(/([0-9a-f]{8})[0-9a-f]{56}/g, '$1…')
}
