const samples = 4
const sampleSize = 4096
/** Bits of a byte. Compressed data is above it, text and programs are far below. */
const dense = 7.9

/** Is it as good as random? Tells by the entropy of a few samples. */
export function isDense(bytes: Uint8Array): boolean {
  if (bytes.length < samples * sampleSize) return false
  const counts = new Uint32Array(256)
  const stride = Math.floor((bytes.length - sampleSize) / (samples - 1))
  for (let sample = 0; sample < samples; sample++) {
    for (let at = sample * stride; at < sample * stride + sampleSize; at++) counts[bytes[at]!]!++
  }
  let entropy = 0
  for (const count of counts) if (count > 0) entropy -= (count / (samples * sampleSize)) * Math.log2(count / (samples * sampleSize))
  return entropy > dense
}
