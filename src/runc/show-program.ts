import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { detectLayout } from '../kernel/cgroup/layout.ts'
import { systemdUnitOf } from '../kernel/cgroup/systemd-unit.ts'
import { explain } from '../kernel/program-explain.ts'
import { syscallName } from '../kernel/syscalls.ts'
import type { Argument, Program } from '../kernel/program.ts'
import { GantryError } from '../lib/errors.ts'
import { parseJson } from '../lib/json.ts'
import { cgroupOf } from './cgroup-path.ts'
import { compileContainer } from './compile-container.ts'
import type { OciSpec } from './spec.ts'

/** What `create` would execute for a bundle, without executing it: text, an operation a line, or JSON. */
export function showProgram(bundlePath: string, format: string): string {
  if (format !== 'text' && format !== 'json') throw new GantryError('InvalidParameter', 'invalid format option')
  const bundle = resolve(bundlePath)
  const spec = parseJson(readFileSync(join(bundle, 'config.json'), 'utf8')) as OciSpec
  const program = compileContainer({
    spec,
    rootfs: resolve(bundle, spec.root?.path ?? 'rootfs'),
    layout: detectLayout(),
    cgroupPath: placeOf(spec),
    directory: '/run/gantry-runc/ID',
    stdio: { terminal: spec.process?.terminal === true, stdin: false },
    detached: { preserved: 0, nullDescriptors: [], stays: spec.process?.terminal === true, waits: true },
  })
  return format === 'text' ? `${explain(program).join('\n')}\n` : `${JSON.stringify(operationsOf(program), null, 2)}\n`
}

/** As `create` has it, with --systemd-cgroup where the specification means that. */
function placeOf(spec: OciSpec): string {
  const path = spec.linux?.cgroupsPath
  return path?.includes(':') === true ? systemdUnitOf(path, 'ID').path : cgroupOf(spec, 'ID')
}

/** One object an operation: the call as text, what it is for, and where it leads. */
function operationsOf(program: Program): Record<string, unknown>[] {
  const lines = explain(program)
  return program.operations.map((operation, index) => ({
    index,
    label: operation.label,
    call: operation.nr < 0x10000 ? syscallName(operation.nr) : undefined,
    args: operation.args.map((argument) => shown(program, argument)),
    ...(operation.save < 0 ? {} : { save: program.cellNames.get(operation.save) }),
    ...(operation.ignore.length === 0 ? {} : { ignore: operation.ignore }),
    ...(operation.target === undefined ? {} : { flow: operation.flow, target: operation.target.index }),
    text: lines[index]!.trim(),
  }))
}

function shown(program: Program, argument: Argument): unknown {
  if (argument === null || typeof argument === 'number') return argument ?? 0
  if (typeof argument === 'bigint') return String(argument)
  return argument.kind === 'cell' ? { cell: program.cellNames.get(argument.offset) } : { blob: argument.offset }
}
