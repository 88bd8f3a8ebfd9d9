/** Images as clients of older versions find them ("Engine API version history"). */

type Document = Record<string, unknown>

/** Fields of a configuration that are there also when they say nothing. */
const alwaysShown = { Cmd: null, Entrypoint: null, Env: null, Labels: null, OnBuild: null, User: '', Volumes: null, WorkingDir: '' }
/** Those of containers, which no image ever had: gone with API 1.50. */
const ofContainers = { AttachStderr: false, AttachStdin: false, AttachStdout: false, Domainname: '', Hostname: '', Image: '', OpenStdin: false, StdinOnce: false, Tty: false }

/** GET /images/{name}/json */
export function imageFor(minor: number, image: Document): Document {
  const { Descriptor, ...rest } = image
  const empty = { ...alwaysShown, ...(minor < 50 && ofContainers) }
  return {
    ...rest,
    ...(minor >= 48 && Descriptor !== undefined && { Descriptor }),
    Config: { ...empty, ...(image['Config'] as Document | undefined) },
    ...(minor < 45 && { Container: '', ContainerConfig: empty }),
    ...(minor < 44 && { VirtualSize: image['Size'], Created: image['Created'] || '0001-01-01T00:00:00Z' }),
  }
}

/** A row of GET /images/json */
export function imageRowFor(minor: number, { Descriptor, ...row }: Document): Document {
  const names = [...(row['RepoTags'] as string[]), ...(row['RepoDigests'] as string[])]
  return {
    ...row,
    ...(minor < 43 && names.length === 0 && { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }),
    ...(minor >= 48 && Descriptor !== undefined && { Descriptor }),
    ...(minor < 44 && { VirtualSize: row['Size'] }),
  }
}
