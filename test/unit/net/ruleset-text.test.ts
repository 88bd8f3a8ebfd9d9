import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainsOfHook, parseRuleset } from '../../../src/net/explain/ruleset-text.ts'

const listing = `table ip gantry-docker0 {
	map published {
		type inet_proto . inet_service : ipv4_addr . inet_service
	}

	chain enter {
		dup to 169.254.0.1 device "gntx-1234abcd"
		counter packets 3 bytes 180 drop
	}

	chain admitted {
		type filter hook input priority 2147480000; policy accept;
		meta l4proto . th dport @published goto enter
	}
}
# Warning: table ip filter is managed by iptables-nft, do not touch!
table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
		iifname "lo" counter packets 1 bytes 52 accept
	}
}
table inet admin {
	chain early {
		type filter hook input priority filter - 5; policy accept;
	}
}
`

void test('chains are read with hook, priority, policy, rules and counters, and met in the order of the kernel', () => {
  const chains = parseRuleset(listing)
  assert.deepEqual(chainsOfHook(chains, 4, 'input').map(({ table, name, priority, policy }) => [table, name, priority, policy]), [
    ['admin', 'early', -5, 'accept'], ['filter', 'INPUT', 0, 'drop'], ['gantry-docker0', 'admitted', 2_147_480_000, 'accept'],
  ])
  assert.deepEqual(chainsOfHook(chains, 6, 'input').map(({ table }) => table), ['admin'])
  assert.deepEqual(chains[0]?.rules, [{ text: 'dup to 169.254.0.1 device "gntx-1234abcd"' }, { text: 'drop', packets: 3, bytes: 180 }])
  assert.deepEqual(chains.find(({ name }) => name === 'INPUT')?.rules, [{ text: 'iifname "lo" accept', packets: 1, bytes: 52 }])
})
