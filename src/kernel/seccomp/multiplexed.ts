/** A call that i386 can also make through another one, which takes the number of the operation as its first argument. */
export interface Multiplexed {
  through: 'socketcall' | 'ipc'
  operation: number
}

/** include/uapi/linux/net.h, SYS_*, from 1 on. */
const socketOperations = [
  'socket', 'bind', 'connect', 'listen', 'accept', 'getsockname', 'getpeername', 'socketpair', 'send', 'recv', 'sendto',
  'recvfrom', 'shutdown', 'setsockopt', 'getsockopt', 'sendmsg', 'recvmsg', 'accept4', 'recvmmsg', 'sendmmsg',
]

/** include/uapi/linux/ipc.h. */
const ipcOperations: Record<string, number> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
}

/** Operations of socketcall(2) and ipc(2) by the names of the calls that they stand for. */
export const multiplexed: ReadonlyMap<string, Multiplexed> = new Map([
  ...socketOperations.map((name, index): [string, Multiplexed] => [name, { through: 'socketcall', operation: index + 1 }]),
  ...Object.entries(ipcOperations).map(([name, operation]): [string, Multiplexed] => [name, { through: 'ipc', operation }]),
])
