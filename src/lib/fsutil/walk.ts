import { createReadStream, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { splitDeviceNumber } from '../device-number.ts'
import { packetBytes } from './send.ts'
import type { SentFile } from './send.ts'
import { toGoMode } from './file-mode.ts'

export interface WalkOptions {
  /** "no": it is left out, and so is what is in it. "above": a directory that is left out unless something in it is taken. */
  takes?(path: string, isDirectory: boolean): 'yes' | 'no' | 'above'
  /** Extended attributes of the file at a host path. */
  xattrs?(path: string): ReadonlyMap<string, Uint8Array>
  /** Owners are told as root, as contexts are. */
  ownedByRoot?: boolean
}

/** Everything beneath `root`, in the order of path-order.ts. Sockets are left out; a second name of a file is a hard link to the first. */
export async function* walkDirectory(root: string, options: WalkOptions = {}): AsyncGenerator<SentFile, void, undefined> {
  yield* walk({ root, options, firstNames: new Map(), above: [] }, '')
}

interface Walk {
  root: string
  options: WalkOptions
  /** By device and inode. */
  firstNames: Map<string, string>
  /** Directories that are still to be told, should something in them be taken. */
  above: SentFile[]
}

async function* walk(state: Walk, directory: string): AsyncGenerator<SentFile, void, undefined> {
  const { root, options } = state
  // Small steps: waiting for the thread pool at each would take longer than they do.
  const names = readdirSync(join(root, directory)).toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
  for (const name of names) {
    const path = directory === '' ? name : `${directory}/${name}`
    const place = join(root, path)
    const found = lstatSync(place, { bigint: true, throwIfNoEntry: false })
    if (found === undefined || found.isSocket()) continue
    const takes = options.takes?.(path, found.isDirectory()) ?? 'yes'
    if (takes === 'no') continue
    const owned = options.ownedByRoot !== true
    const device = splitDeviceNumber(found.isCharacterDevice() || found.isBlockDevice() ? found.rdev : 0n)
    const stat = {
      path,
      mode: toGoMode(Number(found.mode)),
      uid: owned ? Number(found.uid) : 0,
      gid: owned ? Number(found.gid) : 0,
      size: found.isFile() ? Number(found.size) : 0,
      modTime: found.mtimeNs,
      linkName: found.isSymbolicLink() ? readlinkSync(place) : '',
      deviceMajor: device.major,
      deviceMinor: device.minor,
      xattrs: Object.fromEntries(options.xattrs?.(place) ?? []),
    }
    if (takes === 'above') {
      state.above.push({ stat })
      yield* walk(state, path)
      if (state.above.at(-1)?.stat === stat) state.above.pop()
      continue
    }
    yield* state.above.splice(0)
    const first = found.isFile() && found.nlink > 1n ? firstName(state, `${found.dev}:${found.ino}`, path) : undefined
    if (first !== undefined) yield { stat: { ...stat, linkName: first, size: 0 } }
    else yield { stat, ...(found.isFile() && { content: () => (stat.size <= packetBytes ? [readFileSync(place)] : createReadStream(place, { highWaterMark: packetBytes })) }) }
    if (found.isDirectory()) yield* walk(state, path)
  }
}

function firstName({ firstNames }: Walk, inode: string, path: string): string | undefined {
  const first = firstNames.get(inode)
  if (first === undefined) firstNames.set(inode, path)
  return first
}
