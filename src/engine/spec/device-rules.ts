import { GantryError } from '../../lib/errors.ts'
import type { OciResources } from '../../runc/spec.ts'

/** Values of --device-cgroup-rule: "c 1:3 mr", "b *:* m", "a *:* rwm" or "a". @throws InvalidParameter with Docker's text */
export function deviceRules(rules: readonly string[] | null | undefined): NonNullable<OciResources['devices']> {
  return (rules ?? []).map((rule) => {
    const [, type, major, minor, access] = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(rule === 'a' ? 'a *:* rwm' : rule) ?? []
    if (type === undefined || access === undefined) throw new GantryError('InvalidParameter', `invalid device cgroup rule format: '${rule}'`)
    return { allow: true, type, ...(major === '*' ? {} : { major: Number(major) }), ...(minor === '*' ? {} : { minor: Number(minor) }), access }
  })
}
