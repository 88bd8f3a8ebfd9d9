/** One of the ways in which a registry wants to know who asks: RFC 9110 section 11.6.1. */
export interface Challenge {
  /** In lower case: "basic", "bearer". */
  scheme: string
  /** Names in lower case: realm, service, scope, error. */
  parameters: Record<string, string>
}

/** Reads WWW-Authenticate, which may hold several challenges. What cannot be read is left out. */
export function parseChallenges(header: string | undefined): Challenge[] {
  const challenges: Challenge[] = []
  let rest = header ?? ''
  while (rest !== '') {
    rest = rest.replace(/^[\s,]+/, '')
    const parameter = /^([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/.exec(rest)
    const scheme = parameter === null ? /^[\w!#$%&'*+.^`|~-]+/.exec(rest) : null
    if (parameter !== null) {
      const [, name = '', quoted, plain] = parameter
      const current = challenges.at(-1)
      if (current !== undefined) current.parameters[name.toLowerCase()] = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? ''
      rest = rest.slice(parameter[0].length)
    } else if (scheme !== null) {
      challenges.push({ scheme: scheme[0].toLowerCase(), parameters: {} })
      rest = rest.slice(scheme[0].length)
    } else break
  }
  return challenges
}
