import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { DockerProxyHolder } from '../../../src/net/docker-proxy-holder.ts'
import type { HeldRule } from '../../../src/net/port-holder.ts'
import { findProgram } from '../../e2e/harness/program.ts'
import { PrivateHost } from './private-host.ts'

const ours: [string, string] = [process.execPath, path.join(import.meta.dirname, '../../../src/proxy/main.ts')]
const original = findProgram('docker-proxy')
const programs: { name: string; program: [string, ...string[]]; skip: boolean }[] = [
  { name: 'gantry-proxy', program: ours, skip: false },
  { name: 'docker-proxy', program: [original ?? ''], skip: original === undefined },
]

let host: PrivateHost
before(async () => {
  host = await PrivateHost.enter()
  await host.serve(host.outside, 80)
})
after(() => host.leave())

for (const { name, program, skip } of programs) {
  void describe(`a process for each port: ${name}`, { skip }, () => {
    const rules = [rule('tcp', '0.0.0.0'), rule('tcp', '::'), rule('udp', '0.0.0.0')]

    void it('carries TCP and UDP, is found again, and ends with its port', async () => {
      const runtimeDir = path.join(host.folder, name)
      const holder = new DockerProxyHolder({ program, runtimeDir })
      assert.equal(await holder.open(rules), undefined)
      const records = readdirSync(`${runtimeDir}/proxies`)
      assert.equal(records.length, 3)
      const pids = records.map((record) => readFileSync(`${runtimeDir}/proxies/${record}`, 'utf8').split(' ')[0] ?? '')
      assert.match(execFileSync('ps', ['-o', 'ppid=,args=', '-p', pids[0] ?? ''], { encoding: 'utf8' }), /^\s*1 .*-proto tcp -host-ip \S+ -host-port 8080 -container-ip 10\.77\.0\.2 -container-port 80/)
      for (const address of ['127.0.0.1', '::1']) assert.equal(await host.ask('tcp', address, 8080), '10.77.0.1 hello')
      assert.equal(await host.ask('udp', '127.0.0.1', 8080), '10.77.0.1 hello')

      const again = new DockerProxyHolder({ program, runtimeDir })
      assert.deepEqual(await again.reconcile(rules.slice(0, 2)), [])
      assert.equal(host.run('ss -lunH').match(/:8080/g), null)
      assert.equal(host.run('ss -ltnH').match(/:8080/g)?.length, 2)
      await again.close(rules)
      assert.equal(host.run('ss -ltnH').match(/:8080/g), null)
      for (const pid of pids) assert.ok(!existsSync(`/proc/${pid}/stat`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')), pid)
    })

    void it('tells that the port is taken, and opens none of the others', async () => {
      const holder = new DockerProxyHolder({ program, runtimeDir: path.join(host.folder, name) })
      await holder.open([rule('tcp', '0.0.0.0', 8081)])
      const other = new DockerProxyHolder({ program, runtimeDir: path.join(host.folder, `${name}-other`) })
      const failure = await other.open([rule('tcp', '0.0.0.0', 8082), rule('tcp', '0.0.0.0', 8081)])
      assert.deepEqual(failure, { index: 1, code: 'EADDRINUSE', text: 'address already in use' })
      assert.doesNotMatch(host.run('ss -ltnH'), /:8082/)
      await holder.close([rule('tcp', '0.0.0.0', 8081)])
    })
  })
}

function rule(protocol: 'tcp' | 'udp', hostIp: string, hostPort = 8080): HeldRule {
  return { protocol, hostIp, hostPort, containerIp: '10.77.0.2', containerPort: 80 }
}
