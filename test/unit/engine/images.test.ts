import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { Distribution } from '../../../src/containerd/distribution/contract.ts'
import type { Image, ImageStore } from '../../../src/containerd/images/contract.ts'
import type { Filters, Images } from '../../../src/engine/engine.ts'
import { createEvents } from '../../../src/engine/events.ts'
import { createImages } from '../../../src/engine/images.ts'
import { parseTimeLimit } from '../../../src/engine/images/time-limit.ts'
import { GantryError } from '../../../src/lib/errors.ts'

const old: Image = {
  id: `sha256:${'a'.repeat(64)}`,
  repoTags: ['busybox:1', 'localhost:5000/tools/box:2'],
  repoDigests: [],
  created: '2024-01-01T00:00:00Z',
  architecture: 'amd64',
  os: 'linux',
  parent: '',
  config: { Cmd: ['sh'], Labels: { tier: 'base' } },
  diffIds: ['sha256:1', 'sha256:2'],
  chainId: 'sha256:x',
  size: 30,
  history: [{ created_by: 'ADD rootfs' }, { created_by: 'CMD sh', empty_layer: true }, { created_by: 'RUN make', created: '2024-01-01T00:00:00Z' }],
}
const dangling: Image = { ...old, id: `sha256:${'b'.repeat(64)}`, repoTags: [], created: '2025-01-01T00:00:00Z', config: {}, diffIds: ['sha256:1'], size: 10, history: [] }

const secondChain = `sha256:${createHash('sha256').update('sha256:1 sha256:2').digest('hex')}`
const sizes: Record<string, number> = { 'sha256:1': 10, [secondChain]: 20 }

/** A store over a list; names resolve exactly. */
function store(images: Image[]): ImageStore {
  const find = (reference: string): Image | undefined => images.find((image) => image.id === reference || image.repoTags.includes(reference))
  return {
    find,
    get: (reference) => find(reference) ?? fail(`No such image: ${reference}`),
    list: () => [...images],
    manifests: async (image) => [{ id: 'sha256:m', descriptor: { mediaType: 'm', digest: 'sha256:m', size: 1, platform: { architecture: 'amd64', os: 'linux' } }, kind: 'image', image, content: 7, isHere: true }],
    descriptor: async () => ({ mediaType: 'm', digest: 'sha256:m', size: 1 }),
    tag: () => {},
    remove: async (reference) => {
      const image = find(reference) ?? fail(reference)
      images.splice(images.indexOf(image), 1)
      return [...image.repoTags.map((name) => ({ Untagged: name })), { Deleted: image.id }, { Deleted: 'sha256:x' }]
    },
    load: async (_archive, progress) => {
      progress('Loaded image: busybox:1')
      return [old]
    },
    importTar: async () => old,
    commit: async () => old,
    save: async () => Readable.from([]),
  }
}

function fail(message: string): never {
  throw new GantryError('NotFound', message)
}

function images(list: Image[] = [old, dangling], used: string[] = []): { images: Images; actions: () => Promise<[string, string | undefined][]> } {
  const events = createEvents()
  return {
    images: createImages({
      distribution: {} as Distribution,
      store: store(list),
      events,
      snapshotter: { name: 'overlay2', layerGraphData: () => ({ UpperDir: '/u' }) },
      inUse: (id) => (used.includes(id) ? [{ id: 'c', running: true }] : []),
      layerSize: (chainId) => sizes[chainId] ?? 0,
    }),
    actions: async () => {
      const messages = await Array.fromAsync(events.stream({ since: 1, until: Date.now() + 1, filters: new Map(), signal: new AbortController().signal }))
      return messages.map(({ Action, Actor }) => [Action, Actor.Attributes['name']])
    },
  }
}

function filters(entries: Record<string, string[]>): Filters {
  return new Map(Object.entries(entries).map(([key, values]) => [key, new Set(values)]))
}

const lists: [Record<string, string[]>, string[]][] = [
  [{}, ['b', 'a']],
  [{ dangling: ['true'] }, ['b']],
  [{ dangling: ['false'] }, ['a']],
  [{ label: ['tier=base'] }, ['a']],
  [{ 'label!': ['tier'] }, ['b']],
  [{ before: [dangling.id] }, ['a']],
  [{ since: ['busybox:1'] }, ['b']],
  [{ until: ['2024-06-01'] }, ['a']],
  [{ reference: ['busy*'] }, ['a']],
  [{ reference: ['*'] }, ['a']],
  [{ reference: ['localhost:5000/*/b[a-o]x:?'] }, ['a']],
  [{ reference: ['localhost:5000/*'] }, []],
]
for (const [wanted, ids] of lists) {
  void test(`images filtered by ${JSON.stringify(wanted)} are ${ids.join(', ') || 'none'}`, async () => {
    const rows = await images().images.list({ all: false, digests: false, filters: filters(wanted) })
    assert.deepEqual(rows.map(({ Id }) => String(Id).charAt(7)), ids)
  })
}

void test('a reference filter narrows the names that are shown', async () => {
  const [row] = await images().images.list({ all: false, digests: false, filters: filters({ reference: ['busybox'] }) })
  assert.deepEqual(row?.['RepoTags'], ['busybox:1'])
})

void test('unknown filters and bad values are refused', async () => {
  const broken: Record<string, string[]>[] = [{ colour: ['red'] }, { dangling: ['maybe'] }, { until: ['soon'] }, { reference: ['[a'] }]
  for (const wanted of broken) {
    await assert.rejects(images().images.list({ all: false, digests: false, filters: filters(wanted) }), { kind: 'InvalidParameter' })
  }
})

void test('history tells the size of each layer, newest first, and 0 for steps without one', async () => {
  const rows = await images().images.history('busybox:1')
  assert.deepEqual(rows.map(({ Id, CreatedBy, Size, Tags }) => [String(Id).slice(0, 9), CreatedBy, Size, Tags]), [
    ['sha256:aa', 'RUN make', 20, old.repoTags],
    ['<missing>', 'CMD sh', 0, null],
    ['<missing>', 'ADD rootfs', 10, null],
  ])
})

void test('inspect has the keys of API 1.51', async () => {
  const document = await images().images.inspect('busybox:1')
  assert.deepEqual(Object.keys(document).toSorted(), [
    'Architecture', 'Author', 'Comment', 'Config', 'Created', 'Descriptor', 'DockerVersion', 'GraphDriver', 'Id', 'Metadata', 'Os', 'Parent', 'RepoDigests', 'RepoTags', 'RootFS', 'Size',
  ])
  assert.deepEqual(document['RootFS'], { Type: 'layers', Layers: ['sha256:1', 'sha256:2'] })
  assert.deepEqual(document['Config'], { Env: [], Cmd: ['sh'], WorkingDir: '', Labels: { tier: 'base' } })
})

void test('tag, load, import and remove are announced', async () => {
  const { images: room, actions } = images()
  await room.tag('busybox:1', 'busybox:1')
  await room.load(Readable.from([]), () => {})
  await room.importTar(Readable.from([]), { reference: 'new', changes: [] })
  await room.remove('busybox:1', { force: false, noPrune: false })
  assert.deepEqual(await actions(), [['tag', 'busybox:1'], ['load', old.id], ['tag', 'new:latest'], ['import', old.id], ['untag', old.id], ['untag', old.id], ['delete', old.id]])
})

void test('prune removes what is dangling and unused, and counts only layers that are gone', async () => {
  const first = await images().images.prune(new Map())
  assert.deepEqual(first.ImagesDeleted.map(({ Deleted }) => Deleted), [dangling.id, 'sha256:x'])
  assert.equal(first.SpaceReclaimed, 0)
  const all = await images().images.prune(filters({ dangling: ['false'] }))
  assert.equal(all.SpaceReclaimed, 30)
  const kept = await images([old, dangling], [old.id, dangling.id]).images.prune(filters({ dangling: ['false'] }))
  assert.deepEqual(kept, { ImagesDeleted: [], SpaceReclaimed: 0 })
})

void test('time limits are durations, seconds or dates', () => {
  assert.equal(parseTimeLimit('1h30m', 10_000_000), 10_000_000 - 5_400_000)
  assert.equal(parseTimeLimit('1.5s', 10_000), 8500)
  assert.equal(parseTimeLimit('1700000000'), 1_700_000_000_000)
  assert.equal(parseTimeLimit('2024-01-01T00:00:00Z'), 1_704_067_200_000)
  assert.throws(() => parseTimeLimit('1x'), GantryError)
})
