import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { assert as check, bigInt, property } from 'fast-check'
import type { NameRecord, NetworkNames } from '../../../../src/net/contract.ts'
import { HostServers } from '../../../../src/net/dns/host-servers.ts'
import { localAnswer } from '../../../../src/net/dns/local-answer.ts'
import { ChangingNetwork } from '../../../../src/net/dns/named-network.ts'
import { NamesTable } from '../../../../src/net/dns/names-table.ts'
import { addressOfReverseName } from '../../../../src/net/dns/reverse-name.ts'
import { isQuery, readQuery, writeReply } from '../../../../src/net/dns/wire.ts'
import { formatAddress } from '../../../../src/lib/ip-address.ts'
import { question, read } from './messages.ts'

const container = (name: string, ipv4: string, more: Partial<NameRecord> = {}): NameRecord =>
  ({ endpointId: name, containerId: name.padEnd(64, '0'), names: [name], ipv4, ipv6: '', links: [], ...more })
const network = (name: string, ...endpoints: NameRecord[]): NetworkNames => ({ id: name, name, internal: false, endpoints })

const web = container('web', '10.0.1.1', { links: [{ container: 'db', alias: 'Store' }, { container: 'gone', alias: 'lost' }] })
const front = network('front', web, container('proxy', '10.0.1.2', { names: ['proxy', 'App'], ipv6: 'fd01::2' }), container('proxy2', '10.0.1.3', { names: ['proxy2', 'app'] }))
const back = network('back.end', { ...web, ipv4: '10.0.2.1', links: [] }, container('db', '10.0.2.2'), container('proxy', '', { ipv6: 'fd02::2' }))
const elsewhere = network('elsewhere', container('db', '10.0.3.2'), container('hidden', '10.0.3.3'))

function ask(name: string, type = 1, from = web.containerId): string[] | undefined {
  const query = readQuery(question(name, { type }))
  assert.ok(isQuery(query))
  const networks = [back, front, elsewhere].filter(({ endpoints }) => endpoints.some(({ containerId }) => containerId === from)).map((names) => new ChangingNetwork(names))
  const answers = localAnswer(query, from, networks)
  if (answers === undefined) return undefined
  const { addresses, pointers } = read(writeReply(query, { answers }))
  return [...addresses, ...pointers]
}

void describe('names of containers', () => {
  void it('are known on the networks of the asking container, and nowhere else', () => {
    assert.deepEqual(ask('db'), ['10.0.2.2'])
    assert.deepEqual(ask('DB'), ['10.0.2.2'])
    assert.equal(ask('hidden'), undefined)
    assert.equal(ask('db', 1, container('proxy2', '').containerId), undefined)
    assert.equal(ask('db.example'), undefined)
  })

  void it('may be followed by the name of a network, with dots or without', () => {
    assert.deepEqual(ask('db.back.end'), ['10.0.2.2'])
    assert.deepEqual(ask('proxy.front'), ['10.0.1.2'])
    assert.equal(ask('db.front'), undefined)
    assert.equal(ask('db.elsewhere'), undefined)
  })

  void it('that exist have no records of another type, and are not asked for elsewhere', () => {
    assert.deepEqual(ask('db', 28), [])
    for (const type of [15, 16, 33, 65]) assert.deepEqual(ask('db', type), [])
  })

  void it('have the addresses of the first network that has some of that family', () => {
    assert.deepEqual(ask('proxy'), ['10.0.1.2'])
    assert.deepEqual(ask('proxy', 28), ['fd020000000000000000000000000002'])
    assert.equal(ask('proxy', 255)?.length, 2)
  })

  void it('of several containers give all addresses, each first in its turn', () => {
    const firsts = new Set(Array.from({ length: 4 }, () => {
      const found = ask('app') ?? []
      assert.deepEqual(found.toSorted(), ['10.0.1.2', '10.0.1.3'])
      return found[0]
    }))
    assert.equal(firsts.size, 2)
  })

  void it('given by links are those of the asking container alone, and need their container', () => {
    const linking = { ...web, links: [{ container: 'db', alias: 'Store' }, { container: 'gone', alias: 'lost' }, { container: 'db'.padEnd(12, '0'), alias: 'by-id' }] }
    const one = [new ChangingNetwork(network('n', linking, container('db', '10.0.2.2')))]
    const find = (name: string, from: string): number | undefined => {
      const query = readQuery(question(name))
      return isQuery(query) ? localAnswer(query, from, one)?.length : undefined
    }
    assert.equal(find('store', web.containerId), 1)
    assert.equal(find('by-id', web.containerId), 1)
    assert.equal(find('store', container('db', '').containerId), undefined)
    assert.equal(find('lost', web.containerId), undefined)
  })

  void it('are found by address', () => {
    assert.deepEqual(ask('2.2.0.10.in-addr.arpa', 12), ['db.back.end'])
    assert.deepEqual(ask('2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.d.f.ip6.arpa', 12), ['proxy.front'])
    assert.equal(ask('2.3.0.10.in-addr.arpa', 12), undefined)
    assert.equal(ask('db', 12), undefined)
  })
})

void describe('reverse names', () => {
  void it('give back every address', () => {
    check(property(bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
      const nibbles = value.toString(16).padStart(32, '0')
      assert.equal(addressOfReverseName(`${nibbles.split('').toReversed().join('.')}.ip6.arpa`), formatAddress({ family: 6, value }))
    }))
    assert.equal(addressOfReverseName('4.3.2.1.in-addr.arpa'), '1.2.3.4')
  })

  void it('that are none give nothing', () => {
    for (const name of ['in-addr.arpa', '1.2.3.in-addr.arpa', '1.2.3.256.in-addr.arpa', '1.2.3.4.5.in-addr.arpa', 'x.ip6.arpa', '']) assert.equal(addressOfReverseName(name), undefined)
  })
})

function inFolder(act: (folder: string) => void): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'gantry-names-'))
  try {
    act(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function write(folder: string, names: NetworkNames): void {
  writeFileSync(path.join(folder, `${names.id}.json.new`), JSON.stringify(names))
  renameSync(path.join(folder, `${names.id}.json.new`), path.join(folder, `${names.id}.json`))
}

void describe('the folder of names', () => {
  void it('is answered from as it is at that moment, however fast it changes', () => {
    inFolder((folder) => {
      const table = new NamesTable(folder)
      assert.deepEqual(table.networksOf(web.containerId), [])
      for (let number = 0; number < 200; number++) {
        write(folder, network('front', web, container('db', `10.0.0.${number}`)))
        const found = table.networksOf(web.containerId)[0]?.byName.get('db')?.[0]?.ipv4
        assert.equal(found, `10.0.0.${number}`)
      }
      rmSync(path.join(folder, 'front.json'))
      assert.deepEqual(table.networksOf(web.containerId), [])
    })
  })

  void it('is followed line by line, and from the start where a file has taken the place of another', () => {
    inFolder((folder) => {
      const table = new NamesTable(folder)
      const file = path.join(folder, 'front.json')
      const add = (line: string): void => {
        appendFileSync(file, line)
        utimesSync(folder, new Date(), new Date())
      }
      const addresses = (name: string): string[] => (table.networksOf(web.containerId)[0]?.byName.get(name) ?? []).map(({ ipv4 }) => ipv4)
      write(folder, network('front', web))
      appendFileSync(file, '\n')
      assert.deepEqual(addresses('db'), [])
      for (let number = 1; number <= 200; number++) {
        add(`${JSON.stringify({ endpoint: container('db', `10.0.0.${number}`, { endpointId: `e${number % 2}` }) })}\n`)
        assert.deepEqual(addresses('db').toSorted(), (number === 1 ? [number] : [number - 1, number]).map((last) => `10.0.0.${last}`).toSorted())
      }
      add(`${JSON.stringify({ gone: 'e0' })}\n{"gone": `)
      assert.deepEqual(addresses('db'), ['10.0.0.199'])
      add('"e1"}\n')
      assert.deepEqual(addresses('db'), [])
      assert.deepEqual(addresses('web'), ['10.0.1.1'])
      write(folder, network('front', web, container('db', '10.0.0.7')))
      assert.deepEqual(addresses('db'), ['10.0.0.7'])
    })
  })

  void it('may hold files that are no names, and may be missing', () => {
    inFolder((folder) => {
      writeFileSync(path.join(folder, 'broken.json'), '{"endpoi')
      write(folder, front)
      assert.equal(new NamesTable(folder).networksOf(web.containerId).length, 1)
      assert.deepEqual(new NamesTable(path.join(folder, 'nowhere')).networksOf(web.containerId), [])
    })
  })
})

void describe('the servers of the host', () => {
  void it('are those of its file, which may change, be broken or go', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'gantry-names-'))
    const file = path.join(folder, 'resolv.conf')
    const servers = new HostServers(file)
    assert.deepEqual(servers.list(), [])
    writeFileSync(file, '# nameserver 1.1.1.1\nnameserver 127.0.0.53 # local\n nameserver fe80::1%eth0\nnameserver nonsense\nsearch x\n')
    assert.deepEqual(servers.list(), ['127.0.0.53', 'fe80::1%eth0'])
    writeFileSync(file, 'nameserver 10.0.0.1\n')
    assert.deepEqual(servers.list(), ['10.0.0.1'])
    rmSync(folder, { recursive: true })
    assert.deepEqual(servers.list(), [])
  })
})
