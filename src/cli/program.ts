/** Set by the bundler (scripts/bundle.ts). */
declare const GANTRY_BUILD: { version: string; commit: string; time: string } | undefined

const build = typeof GANTRY_BUILD === 'undefined' ? { version: '0.1.0', commit: '', time: '' } : GANTRY_BUILD

/** The name in usage lines and error prefixes. */
export const programName = 'gantry'
export const { version, commit, time: buildTime } = build
/** The Engine API version this client speaks, before negotiation. */
export const apiVersion = '1.50'
