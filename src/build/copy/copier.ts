import { createHash } from 'node:crypto'
import path from 'node:path'
import type { Kernel } from '../../kernel/kernel.ts'
import type { CopySource, CopyStep } from '../plan/contract.ts'
import { blockSize } from '../../lib/tar/entry.ts'
import type { ArchiveNode } from '../context/archive/archive-node.ts'
import type { ContextArchive } from '../context/archive/context-archive.ts'
import { layerPieces, planSources } from './archive-layer.ts'
import { ArchiveSource } from './archive-source.ts'
import type { Copier, CopyOptions } from './contract.ts'
import { checkedDigest, download, nameInUrl } from './download.ts'
import type { Downloaded } from './download.ts'
import { FileDigests } from './file-digests.ts'
import { GitCheckouts } from './git-checkout.ts'
import { withInlineFile } from './inline-file.ts'
import { sweepSources } from './kept-sources.ts'
import { HasToBeDone, LayerPlan } from './layer-plan.ts'
import { modeChange } from './mode.ts'
import { NodeWriter } from './node-writer.ts'
import { isNumericOwner, ownerOf } from './owner.ts'
import { Pace } from '../../lib/pace.ts'
import { placeSource } from './place-source.ts'
import { placeArchive } from './place-archive.ts'
import { pivot, selection } from './selection.ts'
import type { Selection } from './selection.ts'
import { digestSource } from './source-digest.ts'
import { FileTree } from './source-tree.ts'
import type { Source, SourceTree } from './source-tree.ts'
import { TargetTree } from './target-tree.ts'
import { mayBeArchive } from './unpack-archive.ts'

/** @param directory private: downloads and repositories are kept there, see `pruneSources` */
export function createCopier({ kernel, directory }: { kernel: Kernel; directory: string }): Copier {
  sweepSources(directory)
  return new FileCopier(kernel, directory)
}

type UrlSource = Extract<CopySource, { kind: 'url' }>
type GitSource = Extract<CopySource, { kind: 'git' }>
type FilesSource = Extract<CopySource, { kind: 'files' }>

class FileCopier implements Copier {
  readonly #kernel: Kernel
  readonly #directory: string
  readonly #git: GitCheckouts
  readonly #digests: FileDigests
  /** What was answered for the digest is what is copied. */
  readonly #downloads = new WeakMap<UrlSource, Promise<Downloaded>>()
  readonly #commits = new WeakMap<GitSource, Promise<string>>()

  constructor(kernel: Kernel, directory: string) {
    this.#kernel = kernel
    this.#directory = directory
    this.#digests = new FileDigests(kernel)
    this.#git = new GitCheckouts({ kernel, directory: path.join(directory, 'git') })
  }

  async copyDigest(step: CopyStep, options: CopyOptions): Promise<string> {
    const { destination, chown, chmod, parents, excludes, link } = step
    // Names of a user are looked up in the parent, which a linked layer does not depend on otherwise.
    const owner = link && !isNumericOwner(chown) ? ownerOf(chown, await options.rootOf(step.parent)) : chown
    const sources: unknown[] = []
    for (const source of step.sources) sources.push(await this.#sourceDigest(source, step, options))
    const operation = { destination, owner, chmod, parents, excludes, epoch: options.sourceDateEpoch, sources }
    return `sha256:${createHash('sha256').update(JSON.stringify(operation)).digest('hex')}`
  }

  async copyInto(step: CopyStep, root: string, options: CopyOptions): Promise<Iterable<Uint8Array> | undefined> {
    const { chown, chmod, link } = step
    const owner = ownerOf(chown, link && !isNumericOwner(chown) ? await options.rootOf(step.parent) : root)
    const latest = options.sourceDateEpoch === undefined ? undefined : BigInt(options.sourceDateEpoch) * 1_000_000_000n
    const target = new TargetTree({ kernel: this.#kernel, root, upper: step.sources.length === 1 ? options.upper : undefined, owner, latest })
    try {
      const archived = options.asArchive === true ? await this.#archived(step, target, options) : undefined
      if (archived !== undefined) return archived
      const rules = { owner, mode: chmod === undefined ? undefined : modeChange(chmod) }
      for (const source of step.sources) {
        const pace = new Pace(options.signal)
        const adopts = latest === undefined && source.kind === 'files' && options.disposable?.(source.from) === true
        const writer = new NodeWriter({ kernel: this.#kernel, target, rules, pace, adopts })
        await this.#place(source, { step, target, writer, pace, options })
      }
      target.finish()
      return undefined
    } finally {
      target.close()
    }
  }

  /** What takes all its sources from one context that was not unpacked, and does no more than put them there, is not done but written down. */
  async #archived({ sources, destination, parents, excludes, chmod }: CopyStep, target: TargetTree, { archiveOf, signal }: CopyOptions): Promise<Iterable<Uint8Array> | undefined> {
    const archives = sources.map((source) => (source.kind === 'files' ? archiveOf?.(source.from) : undefined))
    const [archive] = archives
    if (archive === undefined || archives.some((other) => other !== archive)) return undefined
    const tree = new ArchiveSource(archive.tree)
    const found = sources.flatMap((source) => sourcesOf(tree, source as FilesSource, { parents, excludes }).map((each) => ({ ...each, unpack: (source as FilesSource).unpack })))
    if (found.some(({ source: { stats }, unpack }) => unpack && stats.isFile() && mayBeArchive(headOf(archive, stats as ArchiveNode)))) return undefined
    const plan = new LayerPlan({ kernel: this.#kernel, target, mode: chmod === undefined ? undefined : modeChange(chmod) })
    try {
      await planSources(plan, found, { tree, destination, target, pace: new Pace(signal) })
    } catch (error) {
      if (error instanceof HasToBeDone) return undefined
      throw error
    }
    return layerPieces(plan.members(), archive)
  }

  async #sourceDigest(source: CopySource, step: CopyStep, options: CopyOptions): Promise<unknown> {
    switch (source.kind) {
      case 'inline':
        return [source.kind, source.name, source.content]
      case 'url': {
        const named = nameInUrl(source.url)
        // What a checksum and a URL say needs no server.
        if (source.checksum !== undefined && named !== undefined) return [source.kind, checkedDigest(source.checksum), named, source.unpack]
        const { digest, name, modified } = await this.#download(source, options)
        return [source.kind, digest, name, source.unpack, modified]
      }
      case 'git':
        return [source.kind, await this.#commit(source, options.signal), source.subdirectory ?? '', source.keepGitDir ? source.repository : '']
      default: {
        const pace = new Pace(options.signal)
        const tree = await sourceTree(source, options)
        const found: unknown[] = []
        for (const { source: one, selection: chosen } of sourcesOf(tree, source, step)) {
          const digest = await digestSource(tree, one, { kernel: this.#kernel, digests: this.#digests, pace, selection: chosen, owned: step.chown !== '' })
          found.push([one.stats.isDirectory(), digest])
        }
        return [source.kind, source.unpack, found]
      }
    }
  }

  async #place(source: CopySource, { step, target, writer, pace, options }: { step: CopyStep; target: TargetTree; writer: NodeWriter; pace: Pace; options: CopyOptions }): Promise<void> {
    const { destination, excludes } = step
    switch (source.kind) {
      case 'inline': {
        const inline = path.join(this.#directory, 'inline')
        return await withInlineFile(inline, source.content, (file) => placeAs(source.name, { tree: new FileTree(inline), file, target, writer, destination }))
      }
      case 'url':
        return await this.#placeDownload(source, { step, target, writer, pace, options })
      case 'git': {
        const tree = new FileTree(await this.#git.checkout(source, await this.#commit(source, options.signal), options.signal))
        return await placeSource(tree.find('/'), { tree, target, writer, selection: selection({ excludes }), destination })
      }
      default: {
        const tree = new FileTree(await options.rootOf(source.from))
        for (const { source: one, selection: chosen } of sourcesOf(tree, source, step)) {
          const file = tree.host(one.real)
          const unpacked = source.unpack && one.stats.isFile() && (await placeArchive(this.#kernel, { file, target, destination, pace }))
          if (!unpacked) await placeSource(one, { tree, target, writer, selection: chosen, destination })
        }
      }
    }
  }

  async #placeDownload(source: UrlSource, { step, target, writer, pace, options }: { step: CopyStep; target: TargetTree; writer: NodeWriter; pace: Pace; options: CopyOptions }): Promise<void> {
    const { file, name } = await this.#download(source, options)
    const { destination } = step
    if (source.unpack && (await placeArchive(this.#kernel, { file, target, destination, pace }))) return
    await placeAs(name, { tree: new FileTree(path.dirname(file)), file: path.basename(file), target, writer, destination })
  }

  #download(source: UrlSource, { signal, progress }: CopyOptions): Promise<Downloaded> {
    const { url, checksum } = source
    return remember(this.#downloads, source, () =>
      download(url, {
        directory: path.join(this.#directory, 'urls'),
        signal,
        ...(checksum === undefined ? {} : { checksum }),
        progress: (current, total) => progress?.({ id: 'downloading', current, total }),
      }),
    )
  }

  #commit(source: GitSource, signal: AbortSignal): Promise<string> {
    return remember(this.#commits, source, () => this.#git.commit(source, signal))
  }
}

/** A file under another name than its own. */
async function placeAs(name: string, { tree, file, target, writer, destination }: { tree: FileTree; file: string; target: TargetTree; writer: NodeWriter; destination: string }): Promise<void> {
  await placeSource({ ...tree.find(file), named: path.join('/', name) }, { tree, target, writer, selection: selection({ excludes: [] }), destination })
}

/** Failures are not remembered: the next to ask may have more luck. */
function remember<Key extends object, Value>(known: WeakMap<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
  const before = known.get(key)
  if (before !== undefined) return before
  const made = make()
  known.set(key, made)
  made.catch(() => known.delete(key))
  return made
}

async function sourceTree({ from }: FilesSource, { archiveOf, rootOf }: CopyOptions): Promise<SourceTree> {
  const archive = archiveOf?.(from)
  return archive === undefined ? new FileTree(await rootOf(from)) : new ArchiveSource(archive.tree)
}

function headOf({ content }: ContextArchive, node: ArchiveNode): Buffer {
  return content(node, 0, Math.min(node.length, blockSize))
}

function sourcesOf(tree: SourceTree, { pattern }: FilesSource, { parents, excludes }: Pick<CopyStep, 'parents' | 'excludes'>): { source: Source; selection: Selection }[] {
  if (!parents) return tree.match(pattern).map((source) => ({ source, selection: selection({ excludes }) }))
  const { base, include } = pivot(pattern)
  if (include !== '' && !/[*?[\\]/.test(`${base}/${include}`)) tree.find(`${base}/${include}`)
  return tree.match(base).map((source) => ({ source, selection: selection({ include, excludes }) }))
}
