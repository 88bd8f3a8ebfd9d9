import type { Kernel } from '../kernel/kernel.ts'

const families = [['ip', 'iptables'], ['ip6', 'ip6tables']] as const

/**
 * Docker, ufw and firewalld set the policy of iptables' FORWARD chain to drop. What one table drops no other can accept,
 * so a rule of ours has to go into theirs: two of them for each bridge, in the chain Docker leaves to its users where there
 * is one, marked with a comment, in place only while that policy is drop.
 */
export async function allowForwarding(kernel: Kernel, bridges: readonly string[]): Promise<string[]> {
  const changes = await Promise.all(families.map(([family, tool]) => allowIn(kernel, { family, tool, bridges })))
  return changes.flat()
}

export async function disallowForwarding(kernel: Kernel, bridges: readonly string[]): Promise<void> {
  for (const [family, tool] of families) {
    for (const chain of ['DOCKER-USER', 'FORWARD']) {
      // iptables makes its tables when it is asked about them: look first.
      const { code, stdout } = await kernel.tool(['nft', 'list', 'chain', family, 'filter', chain])
      if (code !== 0) continue
      for (const bridge of bridges.filter((name) => stdout.includes(`gantry-${name}`))) {
        for (const rule of rulesFor(bridge)) await kernel.tool([tool, '-w', '-D', chain, ...rule])
      }
    }
  }
}

async function allowIn(kernel: Kernel, { family, tool, bridges }: { family: string; tool: string; bridges: readonly string[] }): Promise<string[]> {
  const { code, stdout } = await kernel.tool(['nft', 'list', 'chain', family, 'filter', 'FORWARD'])
  if (code !== 0 || !/hook forward .*policy drop/.test(stdout)) return []
  const chain = stdout.includes('jump DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD'
  for (const bridge of bridges) {
    for (const rule of rulesFor(bridge)) {
      if ((await kernel.tool([tool, '-w', '-C', chain, ...rule])).code === 0) continue
      const inserted = await kernel.tool([tool, '-w', '-I', chain, ...rule])
      if (inserted.code !== 0) throw new Error(`cannot accept traffic of ${bridge} in ${tool} chain ${chain}: ${inserted.stderr.trim()}`)
    }
  }
  return bridges.map((bridge) => `${tool} ${chain}: accept traffic of ${bridge} (the policy of FORWARD is drop)`)
}

function rulesFor(bridge: string): string[][] {
  return ['-i', '-o'].map((direction) => [direction, bridge, '-m', 'comment', '--comment', `gantry-${bridge}`, '-j', 'ACCEPT'])
}
