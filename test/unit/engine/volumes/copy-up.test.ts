import assert from 'node:assert/strict'
import { linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, test } from 'node:test'
import { copyUp, finishCopyUp, stagingOf, type Staging } from '../../../../src/engine/volumes/copy-up.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'

let root = ''
let staging: Staging

beforeEach(() => {
  root = mkdtempSync(`${tmpdir()}/gantry-copy-up-`)
  for (const name of ['image/sub', 'volume/_data', 'outside']) mkdirSync(`${root}/${name}`, { recursive: true })
  staging = stagingOf(`${root}/volume`, `${root}/volume/_data`, false)
  writeFileSync(`${root}/image/file`, 'from the image')
  linkSync(`${root}/image/file`, `${root}/image/sub/twin`)
  writeFileSync(`${root}/outside/secret`, 'secret')
  symlinkSync(`${root}/outside`, `${root}/image/link`)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const options = (): Parameters<typeof copyUp>[1] => ({ source: `${root}/image`, data: `${root}/volume/_data`, staging })

test('links stay links, hard links stay one file, and nothing else is left in the volume', async () => {
  utimesSync(`${root}/image`, 1e9, 1e9)
  await copyUp(linuxKernel, options())
  const data = `${root}/volume/_data`
  assert.deepEqual(readdirSync(data).toSorted(), ['file', 'link', 'sub'])
  assert.equal(statSync(`${data}/file`).ino, statSync(`${data}/sub/twin`).ino)
  assert.equal(statSync(data).mtimeMs, 1e12)
  assert.equal(statSync(`${data}/link`).ino, statSync(`${root}/outside`).ino)
  assert.deepEqual(readdirSync(`${root}/volume`), ['_data'])
})

test('a volume that holds anything is left alone', async () => {
  writeFileSync(`${root}/volume/_data/mine`, '')
  await copyUp(linuxKernel, options())
  assert.deepEqual(readdirSync(`${root}/volume/_data`), ['mine'])
})

test('a copy that was cut off is made anew, one that was whole is brought in to its end', async () => {
  mkdirSync(staging.half)
  writeFileSync(`${staging.half}/fi`, 'from')
  await copyUp(linuxKernel, options())
  assert.equal(readFileSync(`${root}/volume/_data/file`, 'utf8'), 'from the image')

  // As after a kill between two renames, with a container that has gone on writing.
  mkdirSync(staging.whole)
  renameSync(`${root}/volume/_data/sub`, `${staging.whole}/sub`)
  writeFileSync(`${staging.whole}/file`, 'of the image')
  writeFileSync(`${root}/volume/_data/file`, 'of the container')
  finishCopyUp(linuxKernel, `${root}/volume/_data`, staging)
  assert.deepEqual(readdirSync(`${root}/volume/_data`).toSorted(), ['file', 'link', 'sub'])
  assert.equal(readFileSync(`${root}/volume/_data/file`, 'utf8'), 'of the container')
  assert.deepEqual(readdirSync(`${root}/volume`), ['_data'])
})

test('an image directory without files still gives its mode', async () => {
  rmSync(`${root}/image`, { recursive: true })
  mkdirSync(`${root}/image`, { mode: 0o700 })
  await copyUp(linuxKernel, options())
  assert.equal(statSync(`${root}/volume/_data`).mode & 0o7777, 0o700)
})
