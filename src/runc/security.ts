import { existsSync, readFileSync } from 'node:fs'
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../kernel/constants/files.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { writeText } from './paths.ts'
import { refuse } from './refuse.ts'
import type { OciProcess } from './spec.ts'

/** Parts of the kernel that not every host has. */
export interface HostSecurity {
  apparmor: boolean
  selinux: boolean
  /** Where resctrl is mounted (Intel RDT). */
  resctrl: boolean
}

const ENOENT = 2

export function hostSecurity(): HostSecurity {
  return { apparmor: hasApparmor(), selinux: existsSync('/sys/fs/selinux/enforce'), resctrl: existsSync('/sys/fs/resctrl/schemata') }
}

function hasApparmor(): boolean {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'latin1').startsWith('Y')
  } catch {
    return false
  }
}

/** What the next execve is to be confined by; undefined for nothing. @throws GantryError when the host lacks the means */
export function confinementOf({ apparmorProfile, selinuxLabel }: OciProcess, host: HostSecurity): Confinement | undefined {
  if (selinuxLabel) {
    if (!host.selinux) refuse('process.selinuxLabel', 'this host has no SELinux')
    return { label: `confine by SELinux label ${selinuxLabel}`, files: ['attr/exec'], text: selinuxLabel }
  }
  if (!apparmorProfile) return undefined
  if (!host.apparmor && apparmorProfile !== 'unconfined') refuse('process.apparmorProfile', `this host has no AppArmor for profile ${apparmorProfile}`)
  // Since Linux 5.8 each module has a directory of its own.
  return host.apparmor ? { label: `confine by AppArmor profile ${apparmorProfile}`, files: ['attr/apparmor/exec', 'attr/exec'], text: `exec ${apparmorProfile}` } : undefined
}

interface Confinement {
  label: string
  files: readonly string[]
  text: string
}

/**
 * Opens the attribute of this task through the host's procfs, so before the root is entered: in the container something else
 * could stand in its place (CVE-2019-16884). `proc` is a descriptor of the host's /proc where that is out of reach by now; `closes` what it opens.
 * @returns what writes to it
 */
export function openConfinement(builder: ProgramBuilder, confinement: Confinement | undefined, { proc, closes = false }: { proc?: Cell; closes?: boolean } = {}): () => void {
  if (confinement === undefined) return () => {}
  const file = builder.cell('confinement')
  const found = builder.label()
  for (const [index, name] of confinement.files.entries()) {
    const last = index === confinement.files.length - 1
    const path = builder.string(proc === undefined ? `/proc/thread-self/${name}` : `thread-self/${name}`)
    builder.call(`open ${name} of this task`, 'openat', [proc ?? AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0], { save: file, ...(last ? {} : { ignore: [ENOENT], onSuccess: found }) })
  }
  builder.place(found)
  return () => {
    writeText(builder, confinement.label, file, confinement.text)
    if (closes) builder.call('close the attribute', 'close', [file])
  }
}
