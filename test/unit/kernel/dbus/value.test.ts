import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { array, assert as check, bigInt, boolean, constant, double, integer, oneof, property, string, tuple, type Arbitrary } from 'fast-check'
import { decodeMessage, encodeMessage } from '../../../../src/kernel/dbus/message.ts'
import { DbusReader, DbusWriter, splitSignature, type DbusValue } from '../../../../src/kernel/dbus/value.ts'

interface Typed {
  signature: string
  value: DbusValue
}

const text = string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !value.includes('\0'))
const basic: Arbitrary<Typed> = oneof(
  integer({ min: 0, max: 255 }).map((value) => ({ signature: 'y', value })),
  boolean().map((value) => ({ signature: 'b', value })),
  integer({ min: -0x8000, max: 0x7fff }).map((value) => ({ signature: 'n', value })),
  integer({ min: 0, max: 0xffff }).map((value) => ({ signature: 'q', value })),
  integer().map((value) => ({ signature: 'i', value })),
  integer({ min: 0, max: 0xffff_ffff }).map((value) => ({ signature: 'u', value })),
  bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({ signature: 'x', value })),
  bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => ({ signature: 't', value })),
  double({ noNaN: true }).map((value) => ({ signature: 'd', value })),
  text.map((value) => ({ signature: 's', value })),
)
const variant = basic.map((value): Typed => ({ signature: 'v', value }))
const struct = tuple(basic, variant, basic).map((parts): Typed => ({ signature: `(${parts.map(({ signature }) => signature).join('')})`, value: parts.map(({ value }) => value) }))
const list = oneof(basic, struct).chain((entry) => array(constant(entry), { maxLength: 5 }).map((entries): Typed => ({ signature: `a${entry.signature}`, value: entries.map(({ value }) => value) })))
const body = array(oneof(basic, variant, struct, list), { maxLength: 6 })

describe('values of D-Bus', () => {
  test('are read as they were written, wherever they start', () => {
    check(
      property(body, integer({ min: 0, max: 9 }), (values, shift) => {
        const writer = new DbusWriter()
        writer.write('y'.repeat(shift), Array.from({ length: shift }, () => 0))
        const signature = values.map((typed) => typed.signature).join('')
        writer.write(signature, values.map(({ value }) => value))
        assert.deepEqual(new DbusReader(writer.bytes(), shift).read(signature), values.map(({ value }) => value))
      }),
    )
  })

  test('have the bytes of the specification', () => {
    const writer = new DbusWriter()
    writer.write('yas', [7, ['a', 'bcd']])
    assert.equal(writer.bytes().toString('hex'), '070000001000000001000000610000000300000062636400')
    assert.deepEqual(splitSignature('ssa(sv)a(sa(sv))a{sv}'), ['s', 's', 'a(sv)', 'a(sa(sv))', 'a{sv}'])
    for (const wrong of ['z', '(s', 'a', 'a'.repeat(100)]) assert.throws(() => splitSignature(wrong))
  })

  test('travel in messages that are recognised only when whole', () => {
    const message = { type: 1, serial: 9, path: '/a', interface: 'b.c', member: 'D', destination: 'e.f', signature: 'su', body: ['x', 5] }
    const bytes = encodeMessage(message)
    for (let size = 0; size < bytes.length; size++) assert.equal(decodeMessage(bytes.subarray(0, size)), undefined)
    assert.deepEqual(decodeMessage(Buffer.concat([bytes, bytes])), { message, size: bytes.length })
  })
})
