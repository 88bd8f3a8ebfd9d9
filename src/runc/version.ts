declare const GANTRY_BUILD: { version: string; commit: string; time: string } | undefined

/** OCI runtime specification that `gantry-runc` follows. */
export const specVersion = '1.2.0'
const build = typeof GANTRY_BUILD === 'undefined' ? { version: '0.1.0', commit: 'unknown', time: undefined } : GANTRY_BUILD
/** `time` is that of the build; undefined for the sources. */
export const { version, commit, time } = build
