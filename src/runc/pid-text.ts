import { MFD_CLOEXEC } from '../kernel/constants/files.ts'
import type { Cell, Pointer } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'

const SEEK_HOLE = 4
const ENXIO = 6
/** Of PID_MAX_LIMIT, 4194304. */
const mostDigits = 7

/**
 * A text with a pid that is known only when the program runs, and its length in `length`. The pid goes where
 * `template` has "%". No system call counts digits: a hole of 10, 100, 1000 … bytes, in which a place is or is not, does.
 */
export function formatWithPid(builder: ProgramBuilder, template: string, pid: Cell, length: Cell): Pointer {
  const places = template.split('%').length - 1
  const bytes = Buffer.byteLength(template) - places
  const text = builder.space(bytes + places * 10 + 1, 1)
  const measure = builder.cell('measure')
  const done = builder.label()
  builder.format('write the text with the pid', text, template, pid)
  builder.call('make a measure', 'memfd_create', [builder.string('measure'), MFD_CLOEXEC], { save: measure })
  for (let digits = 1; digits < mostDigits; digits++) {
    builder.copy(`take it for one of ${digits} digits`, bytes + places * digits, length)
    builder.call('size the measure', 'ftruncate', [measure, 10 ** digits])
    builder.call('see whether the pid is within', 'lseek', [measure, pid, SEEK_HOLE], { ignore: [ENXIO], onSuccess: done })
  }
  builder.copy(`take it for one of ${mostDigits} digits`, bytes + places * mostDigits, length)
  builder.place(done)
  builder.call('close the measure', 'close', [measure])
  return text
}

/** JSON that `formatWithPid` takes as it is, up to where the pid goes. */
export function jsonWithPid(before: object, after: object = {}): string {
  const [head, tail] = [before, after].map((part) => JSON.stringify(part).replaceAll('%', String.raw`\u0025`)) as [string, string]
  return `${head.slice(0, -1)},"pid":%${tail === '{}' ? '' : ','}${tail.slice(1)}`
}
