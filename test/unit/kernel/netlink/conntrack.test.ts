import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endFlow, listFlows } from '../../../../src/kernel/netlink/conntrack.ts'
import type { NetlinkSocket, Request } from '../../../../src/kernel/netlink/socket.ts'

/** As Linux 6.18 sent it: 127.0.0.1:34492 to 127.0.0.1:35411 by TCP. */
const sent = '020000003400018014000180080001007f000001080002007f0000011c00028005000100060000000600020086bc0000060003008a5300003400028014000180080001007f000001080002007f0000011c0002800500010006000000060002008a5300000600030086bc0000080003000000018e080008000000000008000c00d97b3403'

void test('a tracked connection is read, and named again to end it', () => {
  const asked: Request[] = []
  const socket = {
    dump: (request: Request) => {
      asked.push(request)
      return [{ type: 0x100, flags: 2, sequence: 1, payload: Buffer.from(sent, 'hex') }]
    },
  } as unknown as NetlinkSocket
  const flows = listFlows(socket, { family: 4, protocol: 6, port: 35_411 })
  assert.deepEqual(flows.map(({ key, ...rest }) => ({ ...rest, parts: key.length })), [{ family: 4, protocol: 6, destination: '127.0.0.1', destinationPort: 35_411, answering: '127.0.0.1', parts: 2 }])
  // A kernel that filters nothing gives others as well.
  assert.deepEqual(listFlows(socket, { family: 4, protocol: 17, port: 35_411 }), [])
  assert.deepEqual(listFlows(socket, { family: 4, protocol: 6, port: 80 }), [])
  const [flow] = flows
  assert.ok(flow)
  const { type, parts } = endFlow(flow).message
  assert.equal(type, 0x102)
  // The tuple and the id as they came.
  assert.equal(Buffer.concat(parts).toString('hex'), `02000000${sent.slice(8, 8 + 2 * 52)}08000c00d97b3403`)
  assert.equal(asked.length, 3)
})
