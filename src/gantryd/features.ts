import { GantryError } from '../lib/errors.ts'
import type { FlagValues } from './command-line.ts'

export type Features = Record<string, boolean>

/** --feature NAME[=BOOL], and "features" of daemon.json. Names that nobody knows are kept, as dockerd does. @throws InvalidParameter */
export function resolveFeatures(values: FlagValues): Features {
  const features: Features = {}
  for (const text of (values.get('feature') as string[] | undefined) ?? []) {
    const [, name = '', value = 'true'] = /^([^=]+)(?:=(.*))?$/.exec(text) ?? []
    if (name === '' || !['true', '1', 'false', '0'].includes(value)) throw invalid(`invalid feature: ${text}`)
    features[name] = value === 'true' || value === '1'
  }
  for (const [name, value] of Object.entries((values.get('features') as Record<string, unknown> | undefined) ?? {})) {
    if (typeof value !== 'boolean') throw invalid(`cannot use ${JSON.stringify(value)} for feature ${name}: it must be a bool`)
    features[name] = value
  }
  return features
}

/** Features of dockerd's that Gantry has one way only, with what there is instead. */
const fixed: Record<string, { is: boolean; why: string }> = {
  'containerd-snapshotter': { is: false, why: 'images are in one store that every storage driver shares' },
  cdi: { is: true, why: 'devices of CDI can always be named' },
}

/** A line for every feature that asks for what is not so. */
export function featureWarnings(features: Features): string[] {
  return Object.entries(features).flatMap(([name, value]) => {
    const known = fixed[name]
    return known === undefined || known.is === value ? [] : [`feature ${name}=${value} has no effect: ${known.why}`]
  })
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
