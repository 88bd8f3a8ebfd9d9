import { flagChecks as checks } from '../container-options/flag-checks.ts'
import type { Flag, FlagKind } from '../grammar/flag.ts'

function flag(name: string, kind: FlagKind, help: string, more: Partial<Flag> = {}): Flag {
  return { name, kind, help, ...more }
}

/** Flags of `build`. Source: Docker's reference of docker buildx build. */
export const buildFlags: readonly Flag[] = [
  flag('add-host', 'list', 'Add a line to /etc/hosts (host:ip)', { check: checks['add-host'] }),
  flag('allow', 'list', 'Allow privileged entitlements (network.host, security.insecure)'),
  flag('annotation', 'list', 'Add an annotation to the image'),
  flag('attest', 'list', 'Attestation as "type=sbom,…"'),
  flag('build-arg', 'list', 'Set a variable of the build'),
  flag('build-context', 'list', 'Another context (name=path)'),
  flag('builder', 'string', 'Name of a builder: there is only the engine', { hidden: true }),
  flag('cache-from', 'list', 'Outer source of cache (image, "type=local,src=…")'),
  flag('cache-to', 'list', 'Where to export the cache ("type=inline")'),
  flag('call', 'string', 'What to do: build, check, outline or targets', { shownDefault: 'build' }),
  flag('cgroup-parent', 'string', 'Parent cgroup of RUN'),
  flag('check', 'boolean', 'Only look for problems, as --call=check'),
  flag('debug', 'boolean', 'Show more when the build fails or warns; on a terminal open a shell in a step that failed', { short: 'D' }),
  flag('file', 'string', 'Name of the Dockerfile', { short: 'f', shownDefault: '"PATH/Dockerfile"' }),
  flag('force-rm', 'boolean', 'Has no effect', { hidden: true }),
  flag('iidfile', 'string', 'Write the image id to this file'),
  flag('label', 'list', 'Set a label of the image'),
  flag('load', 'boolean', 'Put the result into the image store, as --output=type=docker'),
  flag('metadata-file', 'string', 'Write the facts of the result to this file'),
  flag('network', 'string', 'Network of RUN: default, none or host', { shownDefault: '"default"' }),
  flag('no-cache', 'boolean', 'Take nothing from the cache'),
  flag('no-cache-filter', 'list', 'Take nothing of these stages from the cache'),
  flag('output', 'list', 'Where the result goes ("type=local,dest=path")', { short: 'o' }),
  flag('platform', 'list', 'Platform of the result'),
  flag('progress', 'string', 'How to show progress: auto, plain, tty, quiet or rawjson', { shownDefault: '"auto"' }),
  flag('provenance', 'string', 'As --attest=type=provenance'),
  flag('pull', 'boolean', 'Ask registries again for images that are here'),
  flag('push', 'boolean', 'Push the result, as --output=type=registry'),
  flag('quiet', 'boolean', 'Show no progress; print the image id', { short: 'q' }),
  flag('rm', 'boolean', 'Has no effect', { hidden: true }),
  flag('sbom', 'string', 'As --attest=type=sbom'),
  flag('secret', 'list', 'A secret for RUN ("id=mysecret[,src=/local/secret]")'),
  flag('shm-size', 'bytes', 'Size of /dev/shm of RUN'),
  flag('ssh', 'list', 'An agent or keys for RUN ("default|id[=socket|key[,key]]")'),
  flag('tag', 'list', 'Name of the result ("name:tag")', { short: 't' }),
  flag('target', 'string', 'Stage to build'),
  flag('ulimit', 'list', 'Limits of RUN', { check: checks['ulimit'], shownDefault: '[]' }),
]
