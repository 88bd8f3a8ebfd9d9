import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, assert as check, constantFrom, integer, nat, property, string, tuple, uint8Array } from 'fast-check'
import { framed, MessageReader } from '../../../../src/net/dns/tcp-messages.ts'
import { isQuery, isReplyTo, nameBytes, readQuery, truncated, udpLimit, withId, writeRefusal, writeReply } from '../../../../src/net/dns/wire.ts'
import type { Query } from '../../../../src/net/dns/wire.ts'
import { answer, question, read } from './messages.ts'

function queryOf(packet: Buffer): Query {
  const query = readQuery(packet)
  assert.ok(isQuery(query))
  return query
}

const label = string({ unit: constantFrom(...'abcXYZ019-_'.split('')), minLength: 1, maxLength: 20 })
const anyName = array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'))

void describe('reading queries', () => {
  void it('gives name, type and what the asker takes', () => {
    const query = queryOf(question('Db.Example', { type: 28, udpSize: 1232 }))
    assert.deepEqual([query.id, query.name, query.type, query.isInternet, query.udpSize, udpLimit(query)], [0x1234, 'db.example', 28, true, 1232, 1232])
    assert.equal(udpLimit(queryOf(question('a', { udpSize: 100 }))), 512)
    assert.equal(queryOf(question('')).name, '')
    assert.equal(queryOf(question('a', { class: 3 })).isInternet, false)
  })

  void it('does not answer answers, and refuses what it cannot read', () => {
    assert.deepEqual(readQuery(question('a', { flags: 0x8100 })), { code: undefined })
    assert.deepEqual(readQuery(Buffer.alloc(11)), { code: undefined })
    assert.deepEqual(readQuery(question('a', { flags: 0x2800 })), { code: 4 })
    assert.deepEqual(readQuery(Buffer.alloc(12)), { code: 1 })
    const two = question('a')
    two.writeUInt16BE(2, 4)
    assert.deepEqual(readQuery(two), { code: 1 })
    const pointing = Buffer.concat([question('a').subarray(0, 12), Buffer.of(0xc0, 12, 0, 1, 0, 1)])
    assert.deepEqual(readQuery(pointing), { code: 1 })
    const promising = question('a')
    promising.writeUInt16BE(9, 10)
    assert.deepEqual(readQuery(promising), { code: 1 })
    assert.equal(read(writeRefusal(two.fill(0, 4, 12).subarray(0, 12), 1)).code, 1)
  })

  void it('keeps a dot inside a label apart from two labels', () => {
    const odd = Buffer.concat([question('a').subarray(0, 12), Buffer.from('\x03a.b\x00\x00\x01\x00\x01', 'latin1')])
    assert.equal(queryOf(odd).name, undefined)
  })

  void it('takes any bytes without throwing', () => {
    check(property(uint8Array({ maxLength: 600 }), (bytes) => {
      readQuery(Buffer.from(bytes))
    }))
  })

  void it('takes any damage to a good query without throwing, and answers in its size', () => {
    check(property(anyName, array(tuple(nat(), nat(255)), { maxLength: 5 }), nat(), (name, changes, cut) => {
      const packet = question(name, { udpSize: 1232 })
      for (const [at, byte] of changes) packet[at % packet.length] = byte
      const query = readQuery(cut % 3 === 0 ? packet.subarray(0, cut % packet.length) : packet)
      if (isQuery(query)) assert.ok(writeReply(query, { limit: 512 }).length <= packet.length + 11)
    }))
  })
})

void describe('writing answers', () => {
  void it('repeats the question byte by byte, in whatever case it came', () => {
    check(property(anyName, nat(0xffff), (name, id) => {
      const packet = question(name, { id })
      const reply = writeReply(queryOf(packet), { answers: [{ type: 1, ttl: 5, data: Buffer.of(10, 0, 0, 1) }] })
      assert.deepEqual(reply.subarray(12, packet.length), packet.subarray(12))
      const { id: same, addresses, ttls, code, hasOpt } = read(reply)
      assert.deepEqual({ same, addresses, ttls, code, hasOpt }, { same: id, addresses: ['10.0.0.1'], ttls: [5], code: 0, hasOpt: false })
    }))
  })

  void it('leaves out what does not fit, and says so', () => {
    const answers = Array.from({ length: 100 }, (_, number) => ({ type: 1, ttl: 5, data: Buffer.of(10, 0, 0, number) }))
    const short = writeReply(queryOf(question('many')), { answers, limit: 512 })
    assert.ok(short.length <= 512 && short.length > 480)
    assert.equal(read(short).isTruncated, true)
    const whole = read(writeReply(queryOf(question('many', { udpSize: 4096 })), { answers, limit: 4096 }))
    assert.deepEqual([whole.isTruncated, whole.addresses.length, whole.hasOpt], [false, 100, true])
  })

  void it('cuts a long answer of another server down to its question', () => {
    const packet = question('many')
    const cut = truncated(queryOf(packet), answer(packet, { addresses: Array.from({ length: 60 }, () => '10.0.0.1') }))
    assert.equal(cut.length, packet.length)
    assert.deepEqual([read(cut).isTruncated, read(cut).addresses], [true, []])
  })

  void it('refuses names that are too long', () => {
    for (const bad of ['', 'a..b', 'x'.repeat(64), Array.from({ length: 128 }, () => 'a').join('.')]) assert.throws(() => nameBytes(bad), RangeError)
  })
})

void describe('matching answers', () => {
  const packet = question('Name.Example', { id: 7 })
  const query = queryOf(packet)

  void it('takes the same question with the id that was sent, in any case', () => {
    assert.ok(isReplyTo(query, 7, answer(packet)))
    assert.ok(isReplyTo(query, 9, withId(answer(packet), 9)))
    assert.ok(isReplyTo(query, 7, answer(question('name.example', { id: 7 }))))
  })

  void it('takes nothing else', () => {
    assert.ok(!isReplyTo(query, 8, answer(packet)))
    assert.ok(!isReplyTo(query, 7, packet))
    assert.ok(!isReplyTo(query, 7, answer(question('other.example', { id: 7 }))))
    assert.ok(!isReplyTo(query, 7, answer(question('name.example', { id: 7, type: 28 }))))
    check(property(uint8Array({ maxLength: 100 }), (bytes) => {
      const reply = Buffer.from(bytes)
      if (isReplyTo(query, 7, reply)) assert.equal(reply.readUInt16BE(0), 7)
    }))
  })

  void it('takes a failure without a question', () => {
    assert.ok(isReplyTo(query, 7, Buffer.from('000780010000000000000000', 'hex')))
    assert.ok(!isReplyTo(query, 7, Buffer.from('000780000000000000000000', 'hex')))
  })
})

void describe('messages on a stream', () => {
  void it('come out as they went in, however the stream is cut', () => {
    check(property(array(uint8Array({ maxLength: 300 }), { maxLength: 8 }), integer({ min: 1, max: 50 }), (messages, step) => {
      const stream = Buffer.concat(messages.map((message) => framed(Buffer.from(message))))
      const reader = new MessageReader()
      const found: Buffer[] = []
      for (let at = 0; at < stream.length; at += step) found.push(...reader.add(stream.subarray(at, at + step)))
      assert.deepEqual(found.map((one) => [...one]), messages.map((one) => [...one]))
    }))
  })
})
