/** The name in usage lines and error prefixes. */
export const programName = 'gantry'
export const version = '0.1.0'
/** The Engine API version this client speaks, before negotiation. */
export const apiVersion = '1.50'
