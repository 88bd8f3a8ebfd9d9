import type { Flag } from './flag.ts'

export const quietFlag = (help: string): Flag => ({ name: 'quiet', short: 'q', kind: 'boolean', help })
export const noTruncFlag: Flag = { name: 'no-trunc', kind: 'boolean', help: 'Show full identifiers and texts' }
export const filterFlag: Flag = {
  name: 'filter', short: 'f', kind: 'list', placeholder: 'filter', help: 'Show only what matches (such as "name=value")',
}
export const listFormatFlag: Flag = {
  name: 'format',
  kind: 'string',
  help: `How to print:
'table':            Aligned columns with headers (default)
'table TEMPLATE':   Columns by a Go template
'json':             One JSON object a line
'TEMPLATE':         A Go template for each row`,
}
export const objectFormatFlag: Flag = {
  name: 'format',
  short: 'f',
  kind: 'string',
  help: `How to print:
'json':             JSON on one line
'TEMPLATE':         A Go template`,
}
export const detachKeysFlag: Flag = { name: 'detach-keys', kind: 'string', help: 'Keys that detach from the container' }
export const checkpointDirFlag: Flag = { name: 'checkpoint-dir', kind: 'string', help: "Keep checkpoints in this directory of the engine's host" }
export const platformFlag: Flag = { name: 'platform', kind: 'string', help: 'Platform as "os[/arch[/variant]]"' }
