import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseFlags } from '../../../src/proxy/flags.ts'

const rule = { protocol: 'udp', hostIp: '0.0.0.0', hostPort: 53, containerIp: '172.17.0.2', containerPort: 5353 }

void it('docker-proxy\'s flags are read in every notation of Go', () => {
  assert.deepEqual(parseFlags('-proto udp -host-ip 0.0.0.0 -host-port 53 -container-ip 172.17.0.2 -container-port 5353'.split(' ')), { mode: 'single', rule, useListenFd: false })
  assert.deepEqual(parseFlags('--proto=udp -host-port=53 --container-ip=172.17.0.2 -container-port 5353 -use-listen-fd'.split(' ')), { mode: 'single', rule, useListenFd: true })
  assert.deepEqual(parseFlags(['-control', '/run/x.sock']), { mode: 'multi', socketPath: '/run/x.sock' })
})

void it('what cannot be is refused', () => {
  assert.throws(() => parseFlags(['-proto', 'dccp']), /unsupported protocol dccp/)
  assert.throws(() => parseFlags(['-host-ports', '1']), /flag provided but not defined: -host-ports/)
  assert.throws(() => parseFlags(['-proto']), /flag needs an argument: -proto/)
  assert.throws(() => parseFlags(['-container-ip', '1.2.3.4', '-host-port', '0', '-container-port', '1']), /invalid -host-port: "0"/)
})
