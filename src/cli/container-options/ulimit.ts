export type Ulimit = { Name: string; Hard: number; Soft: number }

const names = new Set(['core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio', 'rttime', 'sigpending', 'stack'])

/** --ulimit: name=soft[:hard]; -1 is unlimited. */
export function readUlimit(word: string): Ulimit {
  const [name, value] = word.split('=', 2)
  if (value === undefined) throw new Error(`invalid ulimit argument: ${word}`)
  if (!names.has(name!)) throw new Error(`invalid ulimit type: ${name}`)
  const limits = value.split(':')
  if (limits.length > 2) throw new Error(`too many limit value arguments - ${value}, can only have up to two, \`soft[:hard]\``)
  const [soft, hard = soft] = limits.map((limit) => {
    if (!/^-?\d+$/.test(limit)) throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(limit)}: invalid syntax`)
    return Number(limit)
  }) as [number, number?]
  if (hard !== -1 && (soft === -1 || soft > hard!)) throw new Error(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`)
  return { Name: name!, Hard: hard!, Soft: soft }
}
