import { GantryError } from './errors.ts'

/** The fields of one line of comma-separated values (RFC 4180); none for an empty line. @throws InvalidParameter for a bare quote */
export function csvFields(line: string): string[] {
  if (line === '') return []
  const fields: string[] = []
  const pattern = /(?:"((?:[^"]|"")*)"|([^,"]*))(,|$)/y
  for (;;) {
    const match = pattern.exec(line)
    if (match === null) throw new GantryError('InvalidParameter', 'parse error: bare " in non-quoted field')
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2]!)
    if (match[3] === '') return fields
  }
}
