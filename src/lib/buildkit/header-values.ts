import type { Metadata } from '../grpc/server.ts'

const suffix = '-encoded'

/** Metadata is ASCII: where a value is not, all values of its name are encoded as in a URL's query, and the name with "-encoded" says so. */
export function encodeValues(values: Metadata): Metadata {
  const encoded: Metadata = {}
  for (const [name, list] of Object.entries(values)) {
    const plain = list.every((value) => !/[^\0-\x7f]/.test(value))
    encoded[name] = plain ? list : list.map((value) => encodeURIComponent(value))
    if (!plain) encoded[name + suffix] = ['1']
  }
  return encoded
}

export function decodeValues(metadata: Metadata, name: string): string[] {
  const values = metadata[name] ?? []
  if (metadata[name + suffix]?.[0] !== '1') return values
  return values.map((value) => {
    try {
      return decodeURIComponent(value.replaceAll('+', ' '))
    } catch {
      return value
    }
  })
}
