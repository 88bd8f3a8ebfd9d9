/** st_rdev taken apart, as gnu_dev_major(3) and gnu_dev_minor(3) do. */
export function splitDeviceNumber(device: bigint): { major: number; minor: number } {
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  }
}
