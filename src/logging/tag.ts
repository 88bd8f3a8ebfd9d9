import { messageOf } from '../lib/errors.ts'
import { compileTemplate } from '../lib/go-template/template.ts'
import { TemplateObject, type Value } from '../lib/go-template/value.ts'
import type { LogSource } from './contract.ts'
import { invalid } from './option-values.ts'
import { tagFunctions } from './tag-functions.ts'

export const defaultTag = '{{.ID}}'

/** The option `tag`, or `absent` without it, as a Go template over the container. @throws InvalidParameter with Go's text */
export function logTag(source: LogSource, absent = defaultTag): string {
  const template = source.options['tag'] || absent
  try {
    return compileTemplate(template, { name: 'log-tag', functions: tagFunctions })(facts(source))
  } catch (error) {
    throw invalid(messageOf(error))
  }
}

/** Fields and methods of Docker's logger.Info. */
function facts(source: LogSource): TemplateObject {
  const { id, name, imageId, imageName, command, args, created, env, labels, options } = source
  const constant: Record<string, Value> = {
    ID: id.slice(0, 12),
    FullID: id,
    Name: name,
    ImageID: imageId.slice(0, 12),
    ImageFullID: imageId,
    ImageName: imageName,
    Command: [command, ...args].join(' '),
    DaemonName: 'docker',
    Config: { ...options },
    ContainerID: id,
    ContainerName: `/${name}`,
    ContainerEntrypoint: command,
    ContainerArgs: [...args],
    ContainerImageID: imageId,
    ContainerImageName: imageName,
    ContainerCreated: created,
    ContainerEnv: [...env],
    ContainerLabels: { ...labels },
  }
  return new TemplateObject('logger.Info', Object.fromEntries(Object.entries(constant).map(([key, value]) => [key, () => value])))
}
