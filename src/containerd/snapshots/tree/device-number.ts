/**
 * A device number as mknod(2) takes it: 12 bits of major, 20 of minor (linux/kdev_t.h new_encode_dev).
 * undefined when a number does not fit.
 */
export function deviceNumber(major: number, minor: number): number | undefined {
  if (!(major >= 0 && major <= 0xfff && minor >= 0 && minor <= 0xfffff)) return undefined
  return (((minor & ~0xff) << 12) | (major << 8) | (minor & 0xff)) >>> 0
}
