import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

/** Takes listeners, prints what came with them, and answers every call with errno 121 (EREMOTEIO). */
const supervisor = `
import array, fcntl, os, select, socket, struct, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(5)
open(sys.argv[1] + '.ready', 'w').close()
while True:
    peer, _ = server.accept()
    text, ancillary, _, _ = peer.recvmsg(65536, 64)
    print(text.decode(), len(ancillary), flush=True)
    listener = struct.unpack('i', ancillary[0][2][:4])[0]
    if os.fork(): continue
    while True:
        request = array.array('B', bytes(80))
        try: fcntl.ioctl(listener, 0xc0502100, request)
        except OSError: os._exit(0)
        id, pid, flags, number = struct.unpack('QIIi', request[:20])
        print('call', number, flush=True)
        fcntl.ioctl(listener, 0xc0182101, struct.pack('QqiI', id, 0, -121, 0))
`

export interface Supervisor {
  said(): string
}

/** Starts one that listens at `path`, for everybody, until the test ends. */
export async function startSupervisor(context: TestContext, path: string): Promise<Supervisor> {
  writeFileSync(`${path}.py`, supervisor)
  const child = spawn('python3', [`${path}.py`, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  context.after(async () => {
    child.kill()
    await once(child, 'exit')
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
  while (!existsSync(`${path}.ready`)) await sleep(10)
  chmodSync(path, 0o777)
  return { said: () => said }
}
