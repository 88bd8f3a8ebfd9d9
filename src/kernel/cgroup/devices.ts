import type { OciResources } from '../../runc/spec.ts'
import { hierarchyOf, type CgroupLayout } from './layout.ts'
import type { CgroupWrite } from './writes.ts'

export type DeviceRule = NonNullable<OciResources['devices']>[number]

/** A rule with nothing left open; -1 stands for every number. */
export interface ExactRule {
  allow: boolean
  type: 'a' | 'b' | 'c'
  major: number
  minor: number
  read: boolean
  write: boolean
  mknod: boolean
}

/** What OCI containers may always use (config-linux.md, "Default Devices"), and mknod of anything: a node opens nothing. */
const always: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 1], [5, 2]].map(
    ([major, minor]): DeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' }),
  ),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
]

/** The rules in force, later ones over earlier ones; empty when nothing is denied. */
export function deviceRules(rules: readonly DeviceRule[] = []): ExactRule[] {
  if (rules.every((rule) => rule.allow)) return []
  const known = new Set<string>()
  return [...rules, ...always].map(exact).filter((rule) => {
    const key = JSON.stringify(rule)
    return !known.has(key) && known.add(key)
  })
}

/** Rules as writes to the v1 devices controller (Documentation/admin-guide/cgroup-v1/devices.rst). */
export function deviceWritesV1(layout: CgroupLayout, rules: readonly ExactRule[]): CgroupWrite[] {
  const hierarchy = hierarchyOf(layout, 'devices')
  if (hierarchy === undefined) return []
  return rules.map((rule) => ({ hierarchy, file: rule.allow ? 'devices.allow' : 'devices.deny', value: ruleText(rule) }))
}

function ruleText(rule: ExactRule): string {
  const access = `${rule.read ? 'r' : ''}${rule.write ? 'w' : ''}${rule.mknod ? 'm' : ''}`
  return `${rule.type} ${numberText(rule.major)}:${numberText(rule.minor)} ${access}`
}

function numberText(number: number): string {
  return number < 0 ? '*' : String(number)
}

function exact(rule: DeviceRule): ExactRule {
  const { allow, type = 'a', major, minor, access = 'rwm' } = rule
  const known = type === 'b' ? 'b' : type === 'c' || type === 'u' ? 'c' : 'a'
  return {
    allow, type: known, major: major ?? -1, minor: minor ?? -1,
    read: access.includes('r'), write: access.includes('w'), mknod: access.includes('m'),
  }
}
