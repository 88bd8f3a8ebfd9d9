/** Rows of a port: host addresses and ports in a table of bindings; of exposed ports nothing. */
interface Row {
  HostIp?: string
  HostPort?: string
}

type Value = readonly Row[] | Record<string, never> | null

interface Port<V> {
  key: string
  number: number
  protocol: string
  value: V
}

/** From so many neighbours on it is a range. */
const least = 64

/**
 * A table of ports as the Engine API has them, "80/tcp" to its rows, with long runs of neighbours as one row each: "8000-8999/tcp", and
 * for host ports that go along "9000-9999", of the same length. Host ports that are still to be chosen make no range. Ranges that are
 * there stay. A table without a long run is given back itself.
 */
export function packPorts<V extends Value>(table: Record<string, V>): Record<string, V> {
  const keys = Object.keys(table)
  if (keys.length < least) return table
  const packed: Record<string, V> = {}
  for (const run of runsOf(keys.filter((key) => !isRange(key)).map((key) => portOf(key, table[key] as V)).toSorted(compare))) {
    const [first] = run
    if (first === undefined || run.length < least) for (const { key, value } of run) packed[key] = value
    else packed[rangeKey(first.number, run.length, first.protocol)] = rangeOf(first.value, run.length)
  }
  for (const key of keys) if (isRange(key)) packed[key] = table[key] as V
  return Object.keys(packed).length === keys.length ? table : packed
}

/** As the Engine API has it: each port by itself. A table without ranges is given back itself. */
export function unpackPorts<V extends Value>(table: Record<string, V>): Record<string, V> {
  const keys = Object.keys(table)
  if (!keys.some(isRange)) return table
  const all: Record<string, V> = {}
  for (const key of keys) {
    const value = table[key] as V
    const { first, last, protocol } = spanOf(key)
    for (let number = first; number <= last; number++) {
      const one = isRange(key) ? shifted(value, number - first) : value
      const name = first === last ? key : `${number}/${protocol}`
      const there = all[name]
      all[name] = Array.isArray(there) && Array.isArray(one) ? ([...there, ...one] as unknown as V) : one
    }
  }
  return all
}

/** Of a key of a table, packed or not: "80/tcp", "8000-8999/tcp", "80". */
export function spanOf(key: string): { first: number; last: number; protocol: string } {
  const [numbers = '', protocol = 'tcp'] = key.split('/')
  const [first = '', last = first] = numbers.split('-')
  return { first: Number(first), last: Number(last), protocol }
}

/** The key of `count` ports from `first` on. */
export function rangeKey(first: number, count: number, protocol: string): string {
  return count === 1 ? `${first}/${protocol}` : `${first}-${first + count - 1}/${protocol}`
}

function isRange(key: string): boolean {
  return key.includes('-')
}

function portOf<V>(key: string, value: V): Port<V> {
  const { first, protocol } = spanOf(key)
  return { key, number: first, protocol, value }
}

function compare(one: Port<unknown>, other: Port<unknown>): number {
  if (one.protocol !== other.protocol) return one.protocol < other.protocol ? -1 : 1
  return one.number - other.number
}

function runsOf<V extends Value>(ports: readonly Port<V>[]): Port<V>[][] {
  const runs: Port<V>[][] = []
  let run: Port<V>[] = []
  for (const port of ports) {
    const [first] = run
    if (first !== undefined && port.protocol === first.protocol && port.number === first.number + run.length && follows(first.value, port.value, run.length)) run.push(port)
    else runs.push((run = [port]))
  }
  return runs
}

/** Whether the rows are those of a port that is `steps` before, with host ports that have gone along. */
function follows(first: Value, value: Value, steps: number): boolean {
  if (!Array.isArray(first) || !Array.isArray(value)) return !Array.isArray(first) && !Array.isArray(value) && first !== null && value !== null
  const [before, rows] = [first as readonly Row[], value as readonly Row[]]
  return before.length > 0 && before.length === rows.length && rows.every((row, at) => {
    const port = Number(before[at]?.HostPort)
    return port > 0 && Number(row.HostPort) === port + steps && (row.HostIp ?? '') === (before[at]?.HostIp ?? '')
  })
}

function rangeOf<V extends Value>(value: V, count: number): V {
  if (!Array.isArray(value)) return value
  return (value as readonly Row[]).map((row) => ({ ...row, HostPort: `${Number(row.HostPort)}-${Number(row.HostPort) + count - 1}` })) as unknown as V
}

function shifted<V extends Value>(value: V, steps: number): V {
  if (!Array.isArray(value)) return value
  return (value as readonly Row[]).map((row) => ({ ...row, HostPort: String(Number.parseInt(row.HostPort ?? '', 10) + steps) })) as unknown as V
}
