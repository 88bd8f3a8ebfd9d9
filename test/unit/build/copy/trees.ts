import { chmodSync, chownSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { createCopier } from '../../../../src/build/copy/copier.ts'
import type { Copier, CopyOptions } from '../../../../src/build/copy/contract.ts'
import type { CopySource, CopyStep, Step } from '../../../../src/build/plan/contract.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'

export const needsRoot = process.getuid?.() === 0 ? false : 'needs root'

/** "text", { link }, { hard }, a directory's own tree, or any of the first two with mode and owner. */
export type Node = string | { link: string } | { hard: string } | { text: string; mode?: number; owner?: [number, number] } | { mode?: number; owner?: [number, number]; in: Tree }
export interface Tree {
  [name: string]: Node
}

export function writeTree(root: string, tree: Tree): void {
  for (const [name, node] of Object.entries(tree)) {
    const place = path.join(root, name)
    mkdirSync(path.dirname(place), { recursive: true })
    if (typeof node === 'string') writeFileSync(place, node)
    else if ('link' in node) symlinkSync(node.link, place)
    else if ('hard' in node) linkSync(path.join(root, node.hard), place)
    else if ('in' in node) {
      mkdirSync(place, { recursive: true })
      writeTree(place, node.in)
    } else writeFileSync(place, node.text)
    if (typeof node !== 'object' || 'link' in node || 'hard' in node) continue
    if (node.owner !== undefined) chownSync(place, ...node.owner)
    if (node.mode !== undefined) chmodSync(place, node.mode)
  }
}

/** Each path with what it is: "text", "-> link", "/" for a directory. */
export function readTree(root: string, prefix = ''): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of readdirSync(root).toSorted()) {
    const place = path.join(root, name)
    const stats = lstatSync(place)
    const own = `${prefix}${name}`
    if (stats.isDirectory()) Object.assign(found, { [`${own}/`]: '' }, readTree(place, `${own}/`))
    else found[own] = stats.isSymbolicLink() ? `-> ${readlinkSync(place)}` : stats.isFile() ? readFileSync(place, 'utf8') : 'special'
  }
  return found
}

/** "755 0:0" of a path. */
export function attributes(root: string, name: string): string {
  const { mode, uid, gid } = lstatSync(path.join(root, name))
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`
}

export interface Bench {
  /** The context. */
  source: string
  /** The image's root. */
  root: string
  copier: Copier
  step(change: Partial<CopyStep> & { from?: string | string[] }): CopyStep
  copy(step: CopyStep, options?: Partial<CopyOptions>): Promise<void>
  digest(step: CopyStep, options?: Partial<CopyOptions>): Promise<string>
}

export function bench(context: TestContext, { source = {}, image = {} }: { source?: Tree; image?: Tree } = {}): Bench {
  const home = mkdtempSync('/tmp/gantry-copy-')
  context.after(() => rmSync(home, { recursive: true, force: true }))
  const places = { source: path.join(home, 'source'), root: path.join(home, 'root'), private: path.join(home, 'private') }
  for (const place of Object.values(places)) mkdirSync(place)
  writeTree(places.source, source)
  writeTree(places.root, image)
  const copier = createCopier({ kernel: linuxKernel, directory: places.private })
  const tree: Step = { kind: 'tree', root: places.source, context: 'context', name: 'context', ignoreCache: false }
  const parent: Step = { kind: 'scratch', name: 'scratch', ignoreCache: false }
  const rootOf = async (step: Step): Promise<string> => (step === parent ? places.root : places.source)
  const whole = (options: Partial<CopyOptions> = {}): CopyOptions => ({ rootOf, signal: new AbortController().signal, ...options })
  return {
    source: places.source,
    root: places.root,
    copier,
    step: ({ from = [], ...change }) => ({
      kind: 'copy',
      parent,
      link: false,
      destination: '/',
      sources: [from].flat().map((pattern): CopySource => ({ kind: 'files', from: tree, pattern, unpack: false })),
      chown: '',
      parents: false,
      excludes: [],
      name: 'COPY',
      ignoreCache: false,
      ...change,
    }),
    copy: async (step, options) => void (await copier.copyInto(step, places.root, whole(options))),
    digest: (step, options) => copier.copyDigest(step, whole(options)),
  }
}
