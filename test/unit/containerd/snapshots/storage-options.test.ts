import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerQuota, driverOptions, parseBytes } from '../../../../src/containerd/snapshots/storage-options.ts'
import { poolOptions } from '../../../../src/containerd/snapshots/devicemapper/options.ts'

void test('sizes are read as Docker reads them', () => {
  const sizes: Record<string, number | undefined> = { 10: 10, '10b': 10, '10k': 10_240, '10KB': 10_240, '10 m': 10 << 20, '1.5GiB': 1.5 * 2 ** 30, '2t': 2 ** 41, '': undefined, ten: undefined, '-1': undefined, '1x': undefined }
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseBytes(text), bytes, text)
})

void test('options of another driver and unknown ones are refused', () => {
  assert.deepEqual([...driverOptions('overlay2', 'overlay2', ['overlay2.Size=1G'], ['size'])], [['size', '1G']])
  assert.throws(() => driverOptions('overlay2', 'overlay2', ['dm.fs=xfs'], ['size']), { kind: 'InvalidParameter', message: 'overlay2: unknown option dm.fs' })
  assert.throws(() => driverOptions('vfs', 'vfs', ['size'], ['size']), /unable to parse key\/value option/)
})

void test('a container may ask for a size and nothing else', () => {
  assert.equal(containerQuota(undefined), undefined)
  assert.equal(containerQuota({ size: '10M' }), 10 << 20)
  assert.throws(() => containerQuota({ size: 'x' }), { kind: 'InvalidParameter' })
  assert.throws(() => containerQuota({ size: '0' }), { kind: 'InvalidParameter' })
  assert.throws(() => containerQuota({ colour: 'red' }), { message: 'Unknown option colour' })
})

void test('devicemapper has the names and defaults of Docker', () => {
  const options = poolOptions('/var/lib/gantry/devicemapper', [])
  assert.deepEqual([options.loopDataSize, options.loopMetadataSize, options.baseSize, options.thinPool], [100 * 2 ** 30, 2 * 2 ** 30, 10 * 2 ** 30, undefined])
  assert.equal(poolOptions('/x', ['dm.thinpooldev=/dev/mapper/pool', 'dm.basesize=1G', 'dm.fs=xfs']).thinPool, 'pool')
  assert.notEqual(poolOptions('/x', []).prefix, options.prefix)
  assert.throws(() => poolOptions('/x', ['dm.fs=floppy']), /Unsupported filesystem floppy/)
})

void test('a block size and the space to keep free are checked, and what has no effect is told', () => {
  const { blockSize, leastFree, ignored } = poolOptions('/x', ['dm.blocksize=128K', 'dm.min_free_space=5%', 'dm.use_deferred_removal=true'])
  assert.deepEqual([blockSize, leastFree, ignored], [128 << 10, 5, ['dm.use_deferred_removal']])
  for (const size of ['32K', '100K', '2G']) assert.throws(() => poolOptions('/x', [`dm.blocksize=${size}`]), /multiple of 64K/)
  for (const space of ['10', '100%', '-1%']) assert.throws(() => poolOptions('/x', [`dm.min_free_space=${space}`]), /invalid dm\.min_free_space/)
})
