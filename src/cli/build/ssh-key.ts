import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import { ExitError } from '../exit-error.ts'
import { mpint, sshString, SshReader } from './ssh-wire.ts'

/** A private key that can answer for an agent. */
export interface SshKey {
  /** As servers know it: RFC 4253 section 6.6. */
  publicBlob: Buffer
  comment: string
  /** @param flags of the agent protocol: which hash an RSA signature is made with */
  sign(data: Buffer, flags: number): Buffer
}

const magic = Buffer.from('openssh-key-v1\0')
const rsaSha256 = 2
const rsaSha512 = 4
const curves: Record<string, { jwk: string; hash: string }> = {
  nistp256: { jwk: 'P-256', hash: 'sha256' },
  nistp384: { jwk: 'P-384', hash: 'sha384' },
  nistp521: { jwk: 'P-521', hash: 'sha512' },
}

/** OpenSSH's own format (PROTOCOL.key), PKCS #1 and #8. @throws ExitError for what is no key, or has a passphrase */
export function readSshKey(text: string, path: string): SshKey {
  try {
    const packed = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(text)?.[1]
    if (packed !== undefined) return fromOpenSsh(Buffer.from(packed, 'base64'))
    return keyOf(createPrivateKey(text), path)
  } catch (error) {
    const isLocked = (error instanceof Error && /passphrase|interrupted or cancelled|encrypted/i.test(error.message)) || /ENCRYPTED/.test(text)
    throw new ExitError(`failed to parse ${path}: ${isLocked ? 'ssh: this private key is passphrase protected' : 'ssh: no key found'}`, 1, { cause: error })
  }
}

function fromOpenSsh(bytes: Buffer): SshKey {
  if (!bytes.subarray(0, magic.length).equals(magic)) throw new Error('it does not begin as a key')
  const outer = new SshReader(bytes.subarray(magic.length))
  const cipher = outer.text()
  if (cipher !== 'none') throw new Error('it has a passphrase')
  outer.string()
  outer.string()
  if (outer.uint32() !== 1) throw new Error('it is not one key')
  outer.string()
  const inner = new SshReader(outer.string())
  if (inner.uint32() !== inner.uint32()) throw new Error('its check numbers differ')
  const key = privateOf(inner.text(), inner)
  return keyOf(key, inner.text())
}

function privateOf(type: string, reader: SshReader): KeyObject {
  if (type === 'ssh-ed25519') {
    const x = reader.string()
    return createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: part(x), d: part(reader.string().subarray(0, 32)) } })
  }
  if (type === 'ssh-rsa') {
    const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => withoutSign(reader.string())) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]
    const modulo = (prime: Buffer): Buffer => fromBig(toBig(d) % (toBig(prime) - 1n))
    return createPrivateKey({ format: 'jwk', key: { kty: 'RSA', n: part(n), e: part(e), d: part(d), p: part(p), q: part(q), dp: part(modulo(p)), dq: part(modulo(q)), qi: part(qi) } })
  }
  const curve = curves[type.replace('ecdsa-sha2-', '')]
  if (curve === undefined) throw new Error(`keys of type ${type} are not known`)
  reader.string()
  const point = reader.string()
  const half = (point.length - 1) / 2
  const d = withoutSign(reader.string())
  const padded = Buffer.concat([Buffer.alloc(Math.max(0, half - d.length)), d])
  return createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: curve.jwk, x: part(point.subarray(1, 1 + half)), y: part(point.subarray(1 + half)), d: part(padded) } })
}

function keyOf(key: KeyObject, comment: string): SshKey {
  const { kty, crv, x = '', y = '', n = '', e = '' } = createPublicKey(key).export({ format: 'jwk' })
  if (kty === 'OKP' && crv === 'Ed25519') {
    const type = 'ssh-ed25519'
    return { comment, publicBlob: Buffer.concat([sshString(type), sshString(bytesOf(x))]), sign: (data) => Buffer.concat([sshString(type), sshString(sign(null, data, key))]) }
  }
  if (kty === 'RSA') {
    return {
      comment,
      publicBlob: Buffer.concat([sshString('ssh-rsa'), mpint(bytesOf(e)), mpint(bytesOf(n))]),
      sign(data, flags) {
        const [type, hash] = (flags & rsaSha512) !== 0 ? ['rsa-sha2-512', 'sha512'] : (flags & rsaSha256) !== 0 ? ['rsa-sha2-256', 'sha256'] : ['ssh-rsa', 'sha1']
        return Buffer.concat([sshString(type!), sshString(sign(hash!, data, key))])
      },
    }
  }
  const found = Object.entries(curves).find(([, { jwk }]) => jwk === crv)
  if (found === undefined) throw new Error(`keys of type ${kty} are not known`)
  const [name, { hash }] = found
  const type = `ecdsa-sha2-${name}`
  const point = Buffer.concat([Buffer.from([4]), bytesOf(x), bytesOf(y)])
  return {
    comment,
    publicBlob: Buffer.concat([sshString(type), sshString(name), sshString(point)]),
    sign(data) {
      const pair = sign(hash, data, { key, dsaEncoding: 'ieee-p1363' })
      const half = pair.length / 2
      return Buffer.concat([sshString(type), sshString(Buffer.concat([mpint(pair.subarray(0, half)), mpint(pair.subarray(half))]))])
    },
  }
}

function part(bytes: Buffer): string {
  return bytes.toString('base64url')
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}

function withoutSign(bytes: Buffer): Buffer {
  return bytes[0] === 0 ? bytes.subarray(1) : bytes
}

function toBig(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`)
}

function fromBig(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}
