import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_SEQPACKET } from '../../../src/kernel/constants/sockets.ts'
import { receiveMessage, sendDescriptor } from '../../../src/kernel/descriptor-passing.ts'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import { nr } from '../../../src/kernel/syscalls.ts'

test('a descriptor goes over a socket and is the same file, a message without one has none, an end is empty; nothing stays open', () => {
  const before = readdirSync('/proc/self/fd').length
  const pair = Buffer.alloc(8)
  assert.equal(linuxKernel.syscall(nr('socketpair'), AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0)
  const [one, other] = [pair.readInt32LE(0), pair.readInt32LE(4)]
  const file = openSync(import.meta.filename, 'r')
  sendDescriptor(linuxKernel, one, file)
  const { bytes, descriptor } = receiveMessage(linuxKernel, other)
  assert.deepEqual([bytes.toString(), fstatSync(descriptor!).ino], ['+', fstatSync(file).ino])
  const text = Buffer.alloc(30_000, 'x')
  linuxKernel.syscall(nr('sendto'), one, text, text.length, 0, null, 0)
  assert.deepEqual(receiveMessage(linuxKernel, other), { bytes: text })
  closeSync(one)
  assert.deepEqual(receiveMessage(linuxKernel, other), { bytes: Buffer.alloc(0) })
  for (const each of [other, file, descriptor!]) closeSync(each)
  assert.equal(readdirSync('/proc/self/fd').length, before)
})
