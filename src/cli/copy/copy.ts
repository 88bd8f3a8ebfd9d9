import path from 'node:path'
import { readTar } from '../../lib/tar/reader.ts'
import { writeTar } from '../../lib/tar/writer.ts'
import { checkOutputPath } from '../client/output-path.ts'
import type { CliContext } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { copyRaw } from '../terminal/stdcopy.ts'
import { afterLink, localPath, splitEntry, type CopyEnd } from './copy-path.ts'
import { localMembers, localSource } from './local-source.ts'
import { LocalExtractor, localDestination } from './local-target.ts'
import { isDirectory, isLink, isSpecial, parsePathStat, pathStat } from './path-stat.ts'
import { prepareCopy, rebase } from './prepare.ts'

export interface Copied {
  /** Of the archive. */
  bytes: number
  to: string
}

/** @returns undefined when the archive went to standard output */
export async function copyFromContainer(context: CliContext, options: { container: string; source: string; destination: string; followLink: boolean }): Promise<Copied | undefined> {
  const { container } = options
  const toStream = options.destination === '-'
  const destination = toStream ? '-' : localPath(options.destination)
  if (!toStream) checkOutputPath(destination)
  const { path: source, rebaseName } = options.followLink ? await followed(context, container, options.source) : { path: options.source, rebaseName: '' }
  const response = await context.client.open('GET', `/containers/${encodeURIComponent(container)}/archive`, { query: { path: source } })
  if (toStream) {
    await copyRaw(response.body, context.stdout)
    return undefined
  }
  const stat = parsePathStat(response.headers)
  const from: CopyEnd = { path: source, exists: true, isDirectory: isDirectory(stat), rebaseName }
  const asked = rebaseName === '' ? undefined : rebase(splitEntry(source).entry, rebaseName)
  const { directory, rename } = prepareCopy(from, localDestination(destination))
  const extractor = new LocalExtractor(directory, asked === undefined ? rename : (entry) => rename(asked(entry)))
  const counter = new Counter()
  try {
    await readTar(counter.count(response.body), extractor)
    extractor.finish()
  } finally {
    extractor.close()
  }
  return { bytes: counter.bytes, to: destination }
}

export async function copyToContainer(
  context: CliContext,
  options: { container: string; source: string; destination: string; followLink: boolean; giveToUser: boolean },
): Promise<Copied> {
  const { container } = options
  const fromStream = options.source === '-'
  const destination = await containerDestination(context, container, options.destination)
  const counter = new Counter()
  let archive: AsyncIterable<Buffer>
  let directory = destination.path
  if (fromStream) {
    if (!destination.isDirectory) throw new ExitError(`destination "${container}:${options.destination}" must be a directory`)
    archive = context.stdin
  } else {
    const source = localSource(localPath(options.source), options.followLink)
    const prepared = prepareCopy(source, destination)
    directory = prepared.directory
    archive = writeTar(localMembers(source, prepared.rename))
  }
  await context.client.text('PUT', `/containers/${encodeURIComponent(container)}/archive`, {
    query: { path: directory, noOverwriteDirNonDir: 'true', ...(options.giveToUser && { copyUIDGID: 'true' }) },
    stream: counter.count(archive),
  })
  return { bytes: counter.bytes, to: destination.path }
}

/** An error is left to the copy itself: the parent may be there. */
async function containerDestination(context: CliContext, container: string, typed: string): Promise<CopyEnd> {
  let place = typed
  let stat = await pathStat(context, container, place)
  if (stat !== undefined && isLink(stat)) {
    place = path.isAbsolute(stat.linkTarget) ? stat.linkTarget : path.join(splitEntry(place).directory, stat.linkTarget)
    stat = await pathStat(context, container, place)
  }
  if (stat !== undefined && isSpecial(stat)) throw new ExitError(`destination "${container}:${typed}" must be a directory or a regular file: got a device`)
  return { path: place, exists: stat !== undefined, isDirectory: stat !== undefined && isDirectory(stat) }
}

async function followed(context: CliContext, container: string, typed: string): Promise<{ path: string; rebaseName: string }> {
  const stat = await pathStat(context, container, typed)
  if (stat === undefined || !isLink(stat)) return { path: typed, rebaseName: '' }
  const target = path.isAbsolute(stat.linkTarget) ? stat.linkTarget : path.join(splitEntry(typed).directory, stat.linkTarget)
  return afterLink(typed, target)
}

class Counter {
  bytes = 0

  async *count(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of source) {
      this.bytes += chunk.length
      yield chunk
    }
  }
}
