import type { BuildDisplay, DisplayTarget } from './build-display.ts'

/** One document a line, for programs: vertexes, statuses, logs and warnings as BuildKit's clients print them. */
export function rawJsonDisplay({ out, model }: DisplayTarget): BuildDisplay {
  return {
    update(status) {
      model.update(status)
      const document = {
        ...(status.vertexes.length > 0 && {
          vertexes: status.vertexes.map(({ digest, inputs, name, started, completed, cached, error }) => ({
            digest,
            ...(inputs.length > 0 && { inputs }),
            name,
            ...times({ started, completed }),
            ...(cached && { cached }),
            ...(error !== '' && { error }),
          })),
        }),
        ...(status.statuses.length > 0 && {
          statuses: status.statuses.map(({ id, vertex, name, current, total, at, started, completed }) => ({
            id,
            vertex,
            ...(name !== '' && { name }),
            current,
            ...(total > 0 && { total }),
            timestamp: time(at),
            ...times({ started, completed }),
          })),
        }),
        ...(status.logs.length > 0 && { logs: status.logs.map(({ vertex, stream, data, at }) => ({ vertex, stream, data: Buffer.from(data).toString('base64'), timestamp: time(at) })) }),
        ...(status.warnings.length > 0 && {
          warnings: status.warnings.map(({ vertex, level, short, detail, url, info, ranges }) => ({
            vertex,
            level,
            short: Buffer.from(short).toString('base64'),
            detail: detail.map((text) => Buffer.from(text).toString('base64')),
            url,
            ...(info && { sourceInfo: { filename: info.filename, data: Buffer.from(info.data).toString('base64'), language: info.language } }),
            range: ranges,
          })),
        }),
      }
      if (Object.keys(document).length > 0) out.write(`${JSON.stringify(document)}\n`)
    },
    end() {},
  }
}

function times(span: { started: number | undefined; completed: number | undefined }): { started?: string; completed?: string } {
  return { ...(span.started !== undefined && { started: time(span.started) }), ...(span.completed !== undefined && { completed: time(span.completed) }) }
}

function time(at: number | undefined): string {
  return new Date(at ?? 0).toISOString()
}
