/** The fields of one comma-separated line; double quotes protect commas and are doubled inside. */
export function parseCsv(line: string): string[] {
  const fields: string[] = []
  let rest = line
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(,|$)/.exec(rest)
    const plain = /^([^,"]*)(,|$)/.exec(rest)
    const match = quoted ?? plain
    if (!match) throw new Error('parse error: bare " in non-quoted field')
    fields.push(quoted ? match[1]!.replaceAll('""', '"') : match[1]!)
    if (match[2] === '') return fields
    rest = rest.slice(match[0].length)
  }
}
