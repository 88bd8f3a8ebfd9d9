import type { RawHeader } from './header.ts'
import { decodeName } from './member-name.ts'
import { parsePaxNumber, parsePaxTime, type PaxRecords } from './pax.ts'
import { badTar } from './tar-failure.ts'

const xattrPrefix = 'SCHILY.xattr.'

/** Puts the records of an extended header over the fields of the header that follows it. */
export function applyPax(header: RawHeader, records: PaxRecords): { sparseFormat: string; realSize: number | undefined } {
  let realSize: number | undefined
  let major = ''
  let minor = ''
  let sparseName: string | undefined
  for (const [key, value] of records) {
    if (key.startsWith(xattrPrefix)) {
      if (header.xattrs.size === 0) header.xattrs = new Map()
      header.xattrs.set(key.slice(xattrPrefix.length), value)
      continue
    }
    switch (key) {
      case 'path':
        header.name = nameOf(value)
        break
      case 'linkpath':
        header.linkName = nameOf(value)
        break
      case 'size':
        header.size = parsePaxNumber(value.toString(), 'size')
        break
      case 'uid':
        header.uid = parsePaxNumber(value.toString(), 'uid')
        break
      case 'gid':
        header.gid = parsePaxNumber(value.toString(), 'gid')
        break
      case 'uname':
        header.userName = decodeName(value)
        break
      case 'gname':
        header.groupName = decodeName(value)
        break
      case 'mtime':
        header.mtime = parsePaxTime(value.toString())
        break
      case 'GNU.sparse.major':
        major = value.toString()
        break
      case 'GNU.sparse.minor':
        minor = value.toString()
        break
      case 'GNU.sparse.name':
        sparseName = nameOf(value)
        break
      case 'GNU.sparse.size':
      case 'GNU.sparse.realsize':
        realSize = parsePaxNumber(value.toString(), 'size')
        break
      default:
    }
  }
  if (sparseName !== undefined) header.name = sparseName
  return { sparseFormat: major === '' ? '' : `${major}.${minor}`, realSize }
}

function nameOf(value: Buffer): string {
  if (value.includes(0)) throw badTar('a name holds a NUL byte')
  return decodeName(value)
}
