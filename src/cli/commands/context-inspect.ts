import { usualHost } from '../client/host.ts'
import type { CliContext, Command } from '../command.ts'
import { ContextStore } from '../contexts/context-store.ts'
import { printObjects } from '../format/print-objects.ts'
import { objectFormatFlag } from '../grammar/common-flags.ts'

export const contextInspectCommand: Command = {
  path: 'context inspect',
  usage: ['[CONTEXT] [CONTEXT...]'],
  summary: 'Show what is known of one or more contexts',
  flags: [objectFormatFlag],
  args: { min: 0, max: Infinity },
  run: (context, { flags, args }) =>
    printObjects(context, args.length > 0 ? args : [context.currentContext().name], {
      format: flags.string('format'),
      fetch: async (name) => JSON.stringify(describe(context, name)),
    }),
}

function describe(context: CliContext, name: string): Record<string, unknown> {
  if (name === 'default') {
    const host = context.currentContext().host ?? context.env['DOCKER_HOST'] ?? usualHost()
    return { Name: name, Metadata: {}, Endpoints: { docker: { Host: host, SkipTLSVerify: false } }, TLSMaterial: {}, Storage: { MetadataPath: '<IN MEMORY>', TLSPath: '<IN MEMORY>' } }
  }
  const store = new ContextStore(context.configDirectory)
  const stored = store.get(name)
  const files = Object.entries(store.tls(name)).filter(([, text]) => text !== undefined).map(([part]) => `${part}.pem`)
  return { ...stored, TLSMaterial: files.length > 0 ? { docker: files } : {}, Storage: { MetadataPath: store.metadataPath(name), TLSPath: store.tlsPath(name) } }
}
