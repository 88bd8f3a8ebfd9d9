import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, assert as check, integer, nat, property, record, tuple, uint8Array, uniqueArray } from 'fast-check'
import { decodeAcknowledgement } from '../../../../src/kernel/netlink/acknowledgement.ts'
import { attribute, decodeAttributes, decodeMessages, encodeMessage, nested, text, textOf, u32 } from '../../../../src/kernel/netlink/message.ts'

void describe('netlink messages', () => {
  void it('come back as they went out, padded to 4 bytes', () => {
    const part = record({ type: integer({ min: 1, max: 0xffff }), flags: integer({ min: 0, max: 0xffff }), sequence: nat(), body: uint8Array({ maxLength: 99 }) })
    check(property(array(part, { maxLength: 5 }), (list) => {
      const encoded = list.map(({ body, ...head }) => encodeMessage({ ...head, parts: [body] }))
      assert.ok(encoded.every(({ length }) => length % 4 === 0))
      const decoded = decodeMessages(Buffer.concat(encoded))
      assert.deepEqual(decoded.map(({ payload, ...head }) => ({ ...head, body: [...payload] })), list.map(({ body, ...head }) => ({ ...head, body: [...body] })))
    }))
  })

  void it('carry attributes of any content', () => {
    check(property(uniqueArray(tuple(integer({ min: 0, max: 0x3fff }), uint8Array({ maxLength: 70 })), { selector: ([type]) => type }), (list) => {
      const bytes = Buffer.concat(list.map(([type, payload]) => attribute(type, payload)))
      assert.deepEqual([...decodeAttributes(bytes)].map(([type, payload]) => [type, [...payload]]), list.map(([type, payload]) => [type, [...payload]]))
    }))
  })

  void it('are refused when a length lies, whatever the bytes', () => {
    check(property(uint8Array({ maxLength: 64 }), (bytes) => {
      for (const decode of [decodeMessages, decodeAttributes]) {
        try {
          decode(Buffer.from(bytes))
        } catch (error) {
          assert.ok(error instanceof RangeError)
        }
      }
    }))
    assert.throws(() => decodeMessages(Buffer.concat([u32(400), Buffer.alloc(12)])), /bad netlink message length 400/)
  })

  void it('nest, and strings lose their NUL', () => {
    const inner = decodeAttributes(decodeAttributes(nested(18, attribute(1, text('veth')))).get(18) ?? Buffer.alloc(0))
    assert.equal(textOf(inner.get(1) ?? Buffer.alloc(0)), 'veth')
  })
})

void describe('netlink acknowledgements', () => {
  const errno = Buffer.alloc(4)
  errno.writeInt32LE(-16)

  void it('give the reason in words, behind a capped request and behind a whole one', () => {
    const request = encodeMessage({ type: 16, flags: 5, parts: [Buffer.from('body')] })
    const words = attribute(1, text('Device is busy'))
    const capped = { type: 2, flags: 0x300, sequence: 1, payload: Buffer.concat([errno, request.subarray(0, 16), words]) }
    const whole = { type: 2, flags: 0x200, sequence: 1, payload: Buffer.concat([errno, request, words]) }
    for (const message of [capped, whole]) assert.deepEqual(decodeAcknowledgement(message), { errno: 16, detail: 'Device is busy' })
  })

  void it('say nothing more when the kernel does not', () => {
    assert.deepEqual(decodeAcknowledgement({ type: 2, flags: 0, sequence: 1, payload: Buffer.concat([errno, Buffer.alloc(16)]) }), { errno: 16, detail: '' })
  })
})
