import { GantryError } from '../../lib/errors.ts'
import type { BuildRequest, BuildWarning } from '../contract.ts'
import type { Dockerfile, Stage } from '../dockerfile/dockerfile.ts'
import { checkOptions } from './check-options.ts'
import { checkFroms } from './from-checks.ts'
import { checkInstructions } from './instruction-checks.ts'
import { descriptions, ruleUrl } from './rules.ts'
import type { Rule } from './rules.ts'
import { checkText } from './text-checks.ts'
import { checkVariables } from './variable-checks.ts'

/** What is known of a Dockerfile once it has been planned. */
export interface Findings {
  request: Pick<BuildRequest, 'buildArgs'>
  /** Variables that a word names and nobody has set. */
  unset: readonly { name: string; line: number }[]
  /** Indices of the stages that the target needs; undefined: all are looked at, as with --check. */
  stages?: readonly number[]
  /** Lines of the .dockerignore. */
  ignored?: readonly string[]
}

/** Tells of one thing that a rule finds. Lines are 1-based, inclusive. */
export type Warn = (rule: Rule, place: { start: number; end: number }, detail: string) => void

/** The warnings of the build checks, by line. @throws DockerfileError for a `# check=` that says nothing */
export function checkDockerfile(dockerfile: Dockerfile, findings: Findings): BuildWarning[] {
  const options = checkOptions(dockerfile, findings.request.buildArgs)
  const found: BuildWarning[] = []
  const warn: Warn = (rule, { start, end }, detail) => {
    if (options.wants(rule)) found.push({ rule, description: descriptions[rule], detail, url: ruleUrl(rule), start, end })
  }
  const looked = (stage: Stage): boolean => findings.stages?.includes(stage.index) ?? true
  checkText(dockerfile, warn)
  checkFroms(dockerfile, warn, looked)
  checkInstructions(dockerfile, { warn, looked, ignored: findings.ignored ?? [] })
  checkVariables(dockerfile, findings.unset, warn)
  return found.toSorted((one, other) => one.start - other.start)
}

/** The error that `# check=error=true` makes of warnings: "lint violation found for rules: …". */
export function checkFailure(dockerfile: Dockerfile, { request }: Pick<Findings, 'request'>, warnings: readonly BuildWarning[]): GantryError | undefined {
  if (warnings.length === 0 || !checkOptions(dockerfile, request.buildArgs).fails) return undefined
  const rules = [...new Set(warnings.map(({ rule }) => rule))].toSorted((one, other) => (one < other ? -1 : 1))
  return new GantryError('InvalidParameter', `lint violation found for rules: ${rules.join(', ')}`)
}
