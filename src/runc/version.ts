declare const GANTRY_BUILD: { version: string; commit: string } | undefined

/** OCI runtime specification that `gantry-runc` follows. */
export const specVersion = '1.2.0'
const build = typeof GANTRY_BUILD === 'undefined' ? { version: '0.1.0', commit: 'unknown' } : GANTRY_BUILD
export const { version, commit } = build
