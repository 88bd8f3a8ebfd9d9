import type { Route } from './route.ts'

export interface Match {
  route: Route
  params: Record<string, string>
}

export type Router = (method: string, path: string) => Match | undefined

interface CompiledRoute {
  route: Route
  pattern: RegExp
}

/** Compiles tables of routes, in order of precedence. The path given to the router is decoded and has no version prefix. */
export function createRouter(routes: readonly Route[]): Router {
  const byMethodAndResource = new Map<string, CompiledRoute[]>()
  for (const route of routes) {
    const key = `${route.method} ${resourceOf(route.path)}`
    const bucket = byMethodAndResource.get(key) ?? []
    bucket.push({ route, pattern: compile(route.path) })
    byMethodAndResource.set(key, bucket)
  }
  return (method, path) => {
    for (const { route, pattern } of byMethodAndResource.get(`${method} ${resourceOf(path)}`) ?? []) {
      const match = pattern.exec(path)
      if (match !== null) return { route, params: { ...match.groups } }
    }
    return undefined
  }
}

function resourceOf(path: string): string {
  return path.split('/', 2)[1] ?? ''
}

function compile(path: string): RegExp {
  const source = path
    .replaceAll('.', '\\.')
    .replaceAll(/\{(\w+)\\\.\\\.\\\.\}/g, '(?<$1>.+)')
    .replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')
  return new RegExp(`^${source}$`, 's')
}
