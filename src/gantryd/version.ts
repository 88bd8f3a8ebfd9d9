import { readFileSync } from 'node:fs'

/** Set by the release bundle (esbuild's define); a working tree reads package.json and knows no commit. */
declare const GANTRY_BUILD: { version: string; commit: string; time: string } | undefined

export const build = typeof GANTRY_BUILD === 'undefined' ? fromWorkingTree() : GANTRY_BUILD

export function versionText(): string {
  return `Gantry version ${build.version}, build ${build.commit || 'working tree'}\n`
}

function fromWorkingTree(): { version: string; commit: string; time: string } {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return { version, commit: '', time: '' }
}
