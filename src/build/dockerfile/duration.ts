import { DockerfileError } from './dockerfile-error.ts'

const units: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }

/** Go's duration ("1m30s") in nanoseconds; 0 when not given. Source: HEALTHCHECK options. */
export function parseDuration(text: string | undefined, { name, line }: { name: string; line: number }): number {
  if (text === undefined || text === '0') return 0
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) throw new DockerfileError(`time: invalid duration ${JSON.stringify(text)}`, line)
  const total = parts.reduce((sum, [, number = '0', unit = 's']) => sum + Number(number) * (units[unit] ?? 0), 0)
  if (total > 0 && total < 1e6) throw new DockerfileError(`interval ${JSON.stringify(name)} cannot be less than 1ms`, line)
  return total
}
