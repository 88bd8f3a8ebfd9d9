/**
 * The administrator's place: a table of its own, which is made when it is missing and never emptied, with a chain that sees
 * all that is forwarded, before ours. In nftables a "drop" is final; an "accept" means that this chain has no objection.
 */
export function userChain(table: string, family: 4 | 6): string {
  const type = family === 4 ? 'ip' : 'ip6'
  return `table ${type} ${userTable(table)} {
  chain DOCKER-USER {
    type filter hook forward priority filter - 1; policy accept;
  }
}
`
}

export function userTable(table: string): string {
  return `${table}-user`
}
