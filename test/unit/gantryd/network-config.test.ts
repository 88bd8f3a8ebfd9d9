import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommandLine } from '../../../src/gantryd/command-line.ts'
import { resolveNetworks } from '../../../src/gantryd/network-config.ts'

const filtersOf = (line: string) => resolveNetworks(parseCommandLine(line.split(' ').filter((word) => word !== ''))).filters

void test('the firewall flags choose the backend, and whether input rules are obeyed', () => {
  assert.deepEqual(filtersOf(''), { ipv4: true, ipv6: true, backend: undefined, obeysInput: true })
  assert.deepEqual(filtersOf('--firewall-backend=iptables --obey-input-rules=false --ip6tables=false'), { ipv4: true, ipv6: false, backend: 'iptables', obeysInput: false })
  assert.throws(() => filtersOf('--firewall-backend=pf'), { message: 'invalid firewall-backend "pf": must be "iptables" or "nftables"' })
})
