import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openDetachedTree, viaScratch, type DetachedTree } from '../../../src/kernel/detached-tree.ts'
import { isReadOnly, openInRoot } from '../../../src/kernel/in-root.ts'
import type { Kernel } from '../../../src/kernel/kernel.ts'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { nr } from '../../../src/kernel/syscalls.ts'

const asRoot = { skip: process.getuid?.() === 0 ? false : 'needs root' }
const directory = mkdtempSync(join(tmpdir(), 'detached-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const at = (name: string): string => join(directory, name)
for (const name of ['lower/volume', 'upper', 'work', 'volume/sub', 'plain/volume']) mkdirSync(at(name), { recursive: true })
writeFileSync(at('lower/image'), 'of the image')
writeFileSync(at('plain/image'), 'of the image')
writeFileSync(at('volume/kept'), 'of the volume')

const roots: Record<'overlay' | 'bind', DetachedTree['root']> = {
  overlay: { type: 'overlay', lower: [at('lower')], upper: at('upper'), work: at('work') },
  bind: { type: 'bind', source: at('plain'), readonly: false },
}
/** Linux before 6.15 mounts nothing on what is detached. */
const olderKernel: Kernel = { ...linuxKernel, syscall: (number, ...args) => (number === nr('move_mount') && args[4] === (0x4 | 0x40) && typeof args[2] === 'number' ? -22 : linuxKernel.syscall(number, ...args)) }

const ways: Record<string, (options: DetachedTree) => number> = {
  'this kernel': (options) => openDetachedTree(linuxKernel, options),
  'a place to mount on for a moment': (options) => viaScratch(linuxKernel, options),
}
for (const [way, open] of Object.entries(ways)) {
  for (const [kind, root] of Object.entries(roots)) {
    void test(`an ${kind} root with a volume is mounted nowhere, by ${way}`, asRoot, () => {
      const tree = open({
        root,
        readonly: true,
        scratch: at('scratch/x'),
        furnish: (descriptor, graft) => {
          const target = openInRoot(linuxKernel, descriptor, '/volume')
          graft(at('volume'), target, false)
          closeSync(target)
        },
      })
      try {
        const seen = `/proc/self/fd/${tree}`
        assert.equal(readFileSync(`${seen}/image`, 'utf8'), 'of the image')
        assert.deepEqual(readdirSync(`${seen}/volume`).toSorted(), ['kept', 'sub'])
        const volume = openInRoot(linuxKernel, tree, '/volume')
        assert.deepEqual([isReadOnly(linuxKernel, tree), isReadOnly(linuxKernel, volume)], [true, false])
        writeFileSync(`/proc/self/fd/${volume}/written`, 'x')
        closeSync(volume)
        assert.throws(() => writeFileSync(`${seen}/new`, 'x'), { code: 'EROFS' })
        assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(directory), false)
      } finally {
        closeSync(tree)
      }
      assert.equal(readFileSync(at('volume/written'), 'utf8'), 'x')
      rmSync(at('volume/written'))
      assert.equal(existsSync(at('scratch/x')), false)
    })
  }
}

void test('a kernel that mounts nothing on what is detached gets the same tree', asRoot, () => {
  const furnished: number[] = []
  assert.throws(
    () => openDetachedTree(olderKernel, {
      root: roots.overlay,
      readonly: false,
      scratch: at('scratch/y'),
      furnish: (descriptor, graft) => {
        furnished.push(descriptor)
        const target = openInRoot(linuxKernel, descriptor, '/volume')
        try {
          graft(at('volume'), target, false)
        } finally {
          closeSync(target)
        }
      },
    }),
    /cannot mount/,
  )
  // The second time it was the place in the file system; the fake refuses there, too, and nothing stays.
  assert.equal(furnished.length, 2)
  assert.equal(existsSync(at('scratch/y')), false)
  assert.equal(readFileSync('/proc/self/mountinfo', 'utf8').includes(directory), false)
})
