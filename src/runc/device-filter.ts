import { compileDeviceFilter } from '../kernel/cgroup/device-filter.ts'
import type { ExactRule } from '../kernel/cgroup/devices.ts'
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_RDONLY } from '../kernel/constants/files.ts'
import { offsetBy } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'

const BPF_PROG_LOAD = 5
const BPF_PROG_ATTACH = 8
const BPF_PROG_TYPE_CGROUP_DEVICE = 15
const BPF_CGROUP_DEVICE = 6
const BPF_F_ALLOW_MULTI = 2

/** v2 has no files for device rules: loads them as an eBPF program and attaches that to the cgroup (man 2 bpf). */
export function attachDeviceFilter(builder: ProgramBuilder, directory: string, rules: readonly ExactRule[]): void {
  const code = compileDeviceFilter(rules)
  const load = Buffer.alloc(48)
  load.writeUInt32LE(BPF_PROG_TYPE_CGROUP_DEVICE, 0)
  load.writeUInt32LE(code.length / 8, 4)
  const loadAttributes = builder.bytes(load)
  builder.pointerAt(offsetBy(loadAttributes, 8), builder.bytes(code))
  builder.pointerAt(offsetBy(loadAttributes, 16), builder.string('Apache-2.0'))
  const attach = Buffer.alloc(16)
  attach.writeUInt32LE(BPF_CGROUP_DEVICE, 8)
  attach.writeUInt32LE(BPF_F_ALLOW_MULTI, 12)
  const attachAttributes = builder.bytes(attach)
  const cgroup = builder.cellAt(attachAttributes, 'cgroup of devices')
  const filter = builder.cellAt(offsetBy(attachAttributes, 4), 'device filter')
  builder.call(`open ${directory}`, 'openat', [AT_FDCWD, builder.string(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0], { save: cgroup })
  builder.call('load the device filter', 'bpf', [BPF_PROG_LOAD, loadAttributes, load.length], { save: filter })
  builder.call('attach the device filter', 'bpf', [BPF_PROG_ATTACH, attachAttributes, attach.length])
  builder.call('close the device filter', 'close', [filter])
  builder.call(`close ${directory}`, 'close', [cgroup])
}
