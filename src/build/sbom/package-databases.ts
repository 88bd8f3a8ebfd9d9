/** A package that a database of a root file system lists. */
export interface FoundPackage {
  type: 'deb' | 'apk' | 'rpm' | 'npm' | 'pypi' | 'golang'
  name: string
  version: string
  architecture?: string
  /** Of rpm. */
  epoch?: number
  license?: string
  /** Path of the database in the root file system. */
  from: string
}

/** dpkg's `status`, or a file of `status.d`: only what is installed. Source: deb-control(5), dpkg(1) "Package states". */
export function readDpkg(text: string, from: string): FoundPackage[] {
  return stanzas(text).flatMap((fields): FoundPackage[] => {
    const { Package: name, Version: version, Architecture: architecture, Status: status } = fields
    if (name === undefined || version === undefined || (status !== undefined && !status.endsWith(' installed'))) return []
    return [{ type: 'deb', name, version, from, ...(architecture !== undefined && { architecture }) }]
  })
}

/** apk's `installed`. Source: Alpine, "Apk spec", installed database V2. */
export function readApk(text: string, from: string): FoundPackage[] {
  return text.split('\n\n').flatMap((block): FoundPackage[] => {
    const field = (letter: string): string | undefined => block.split('\n').find((line) => line.startsWith(`${letter}:`))?.slice(2)
    const [name, version, architecture, license] = [field('P'), field('V'), field('A'), field('L')]
    if (name === undefined || version === undefined) return []
    return [{ type: 'apk', name, version, from, ...(architecture !== undefined && { architecture }), ...(license !== undefined && { license }) }]
  })
}

/** `package.json` of an installed module. */
export function readNpm(text: string, from: string): FoundPackage[] {
  const document = parsed(text)
  const { name, version, license } = document
  if (typeof name !== 'string' || typeof version !== 'string') return []
  return [{ type: 'npm', name, version, from, ...(typeof license === 'string' && { license }) }]
}

/** `METADATA` of an installed distribution. Source: PyPA, "Core metadata specifications". */
export function readPython(text: string, from: string): FoundPackage[] {
  const [head = ''] = text.split(/\r?\n\r?\n/, 1)
  const field = (name: string): string | undefined => new RegExp(`^${name}: *(.+)$`, 'm').exec(head)?.[1]?.trim()
  const [name, version, license] = [field('Name'), field('Version'), field('License-Expression')]
  if (name === undefined || version === undefined) return []
  return [{ type: 'pypi', name, version, from, ...(license !== undefined && { license }) }]
}

function stanzas(text: string): Record<string, string>[] {
  return text.split(/\n\n+/).map((block) => Object.fromEntries([...block.matchAll(/^([A-Za-z-]+): *(.*)$/gm)].map(([, name, value]) => [name!, value!])))
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
