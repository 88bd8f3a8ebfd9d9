import type { SshKey } from './ssh-key.ts'
import { sshString, SshReader, uint32 } from './ssh-wire.ts'

/** Messages of the agent protocol. Source: draft-miller-ssh-agent. */
const failure = 5
const requestIdentities = 11
const identitiesAnswer = 12
const signRequest = 13
const signResponse = 14

/** Bytes; OpenSSH's own limit. */
const longest = 256 * 1024

/** An agent that lists its keys and signs with them, and does nothing else. Answers one connection. */
export async function* answerAgent(keys: readonly SshKey[], requests: AsyncIterable<{ data: Uint8Array }>): AsyncGenerator<{ data: Uint8Array }, void, undefined> {
  let rest = Buffer.alloc(0)
  for await (const { data } of requests) {
    rest = Buffer.concat([rest, data])
    while (rest.length >= 4) {
      const length = rest.readUInt32BE(0)
      if (length > longest) return
      if (rest.length < 4 + length) break
      const answer = answerOf(keys, rest.subarray(4, 4 + length))
      rest = rest.subarray(4 + length)
      yield { data: sshString(answer) }
    }
  }
}

function answerOf(keys: readonly SshKey[], request: Buffer): Buffer {
  try {
    if (request[0] === requestIdentities) {
      return Buffer.concat([Buffer.from([identitiesAnswer]), uint32(keys.length), ...keys.flatMap(({ publicBlob, comment }) => [sshString(publicBlob), sshString(comment)])])
    }
    if (request[0] === signRequest) {
      const reader = new SshReader(request.subarray(1))
      const blob = reader.string()
      const data = reader.string()
      const key = keys.find(({ publicBlob }) => publicBlob.equals(blob))
      if (key !== undefined) return Buffer.concat([Buffer.from([signResponse]), sshString(key.sign(data, reader.uint32()))])
    }
  } catch {
    // What cannot be read is refused as what is not known.
  }
  return Buffer.from([failure])
}
