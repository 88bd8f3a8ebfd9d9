/** A chain as `nft list ruleset` prints it. */
export interface Chain {
  /** "ip", "ip6", "inet", … */
  family: string
  table: string
  name: string
  /** Of base chains. */
  hook?: string
  priority?: number
  policy?: string
  rules: Rule[]
}

export interface Rule {
  text: string
  /** Undefined: it has no counter. */
  packets?: number
  bytes?: number
}

/** Names of priorities of the families ip, ip6 and inet, nft(8). */
const priorities: Record<string, number> = { raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 }

/** Reads what nft lists without elements of sets (`nft -t list ruleset`). Sets and maps are left out. */
export function parseRuleset(text: string): Chain[] {
  const chains: Chain[] = []
  let table = { family: '', name: '' }
  let chain: Chain | undefined
  let depth = 0
  for (const line of text.split('\n').map((one) => one.trim())) {
    const opens = line.endsWith('{')
    const closes = line === '}'
    const [word, first = '', second = ''] = line.split(/\s+/)
    if (opens && word === 'table') table = { family: first, name: second }
    else if (opens && word === 'chain' && depth === 1) chains.push((chain = { family: table.family, table: table.name, name: first, rules: [] }))
    else if (chain !== undefined && depth === 2 && !closes && line !== '' && !line.startsWith('#')) readLine(chain, line)
    depth += opens ? 1 : closes ? -1 : 0
    if (closes && depth === 1) chain = undefined
  }
  return chains
}

/** Chains that a packet of a family meets in a hook, in their order. */
export function chainsOfHook(chains: readonly Chain[], family: 4 | 6, hook: string): Chain[] {
  const meant = ['inet', family === 4 ? 'ip' : 'ip6']
  return chains.filter((chain) => chain.hook === hook && meant.includes(chain.family)).toSorted((one, other) => (one.priority ?? 0) - (other.priority ?? 0))
}

function readLine(chain: Chain, line: string): void {
  const [, hook, priority = '', policy] = /^type \w+ hook (\w+)(?: device .*?)? priority ([^;]+);(?: policy (\w+);)?/.exec(line) ?? []
  if (hook !== undefined) {
    Object.assign(chain, { hook, priority: priorityOf(priority), ...(policy === undefined ? {} : { policy }) })
    return
  }
  const [, packets, bytes] = /counter packets (\d+) bytes (\d+)/.exec(line) ?? []
  chain.rules.push({ text: line.replace(/ ?counter packets \d+ bytes \d+/, '').trim(), ...(packets === undefined ? {} : { packets: Number(packets), bytes: Number(bytes) }) })
}

function priorityOf(text: string): number {
  const [, name = '', sign = '+', offset = '0'] = /^([a-z]*)\s*([+-]?)\s*(\d*)$/.exec(text.trim()) ?? []
  return (priorities[name] ?? 0) + (sign === '-' ? -1 : 1) * Number(offset || 0)
}
