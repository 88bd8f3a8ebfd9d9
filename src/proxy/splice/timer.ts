import { call } from './sockets.ts'

const CLOCK_MONOTONIC = 1
const TFD_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000

/** timerfd_create(2): readable every `interval` ms, until it is closed. */
export function makeTimer(interval: number): number {
  const fd = call('timerfd_create', CLOCK_MONOTONIC, TFD_NONBLOCK_CLOEXEC)
  const time = Buffer.alloc(32)
  for (const at of [0, 16]) {
    time.writeBigInt64LE(BigInt(Math.floor(interval / 1000)), at)
    time.writeBigInt64LE(BigInt(Math.round((interval % 1000) * 1e6)), at + 8)
  }
  call('timerfd_settime', fd, 0, time, null)
  return fd
}
