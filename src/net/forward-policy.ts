import type { Kernel } from '../kernel/kernel.ts'

/**
 * Docker, ufw and firewalld set the policy of iptables' FORWARD chain to drop. What one table drops no other can accept,
 * so a rule of ours has to go into theirs: two of them, in the chain Docker leaves to its users where there is one, marked
 * with a comment, in place only while that policy is drop.
 */
export async function allowForwarding(kernel: Kernel, bridge: string): Promise<string | undefined> {
  const { code, stdout } = await kernel.tool(['nft', 'list', 'chain', 'ip', 'filter', 'FORWARD'])
  if (code !== 0 || !/hook forward .*policy drop/.test(stdout)) return undefined
  const chain = stdout.includes('jump DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD'
  for (const rule of rulesFor(bridge)) {
    if ((await kernel.tool(['iptables', '-w', '-C', chain, ...rule])).code === 0) continue
    const inserted = await kernel.tool(['iptables', '-w', '-I', chain, ...rule])
    if (inserted.code !== 0) throw new Error(`cannot accept traffic of ${bridge} in iptables chain ${chain}: ${inserted.stderr.trim()}`)
  }
  return `iptables ${chain}: accept traffic of ${bridge} (the policy of FORWARD is drop)`
}

export async function disallowForwarding(kernel: Kernel, bridge: string): Promise<void> {
  for (const chain of ['DOCKER-USER', 'FORWARD']) {
    // iptables makes its tables when it is asked about them: look first.
    if ((await kernel.tool(['nft', 'list', 'chain', 'ip', 'filter', chain])).code !== 0) continue
    for (const rule of rulesFor(bridge)) {
      if ((await kernel.tool(['iptables', '-w', '-C', chain, ...rule])).code === 0) await kernel.tool(['iptables', '-w', '-D', chain, ...rule])
    }
  }
}

function rulesFor(bridge: string): string[][] {
  return ['-i', '-o'].map((direction) => [direction, bridge, '-m', 'comment', '--comment', `gantry-${bridge}`, '-j', 'ACCEPT'])
}
