import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { createRouter } from '../../../src/api/router.ts'
import type { Route } from '../../../src/api/route.ts'
import { routes } from '../../../src/api/routes.ts'
import { operations } from './operations.ts'

const scope = readFileSync(path.join(import.meta.dirname, '../../../SCOPE.md'), 'utf8')
const router = createRouter(routes)

function routeOf(operation: string): Route | undefined {
  const [method = '', target = ''] = operation.split(' ')
  return router(method, target.replaceAll(/\{\w+\}/g, 'some'))?.route
}

void test('every operation of the published list has a route', () => {
  assert.deepEqual(operations.filter((operation) => routeOf(operation) === undefined), [])
})

void test('those that are not there are named in SCOPE.md, and no others', () => {
  const missing = operations.filter((operation) => routeOf(operation)?.missing === true)
  const named = [...scope.matchAll(/^\| `([A-Z]+ \/[^`]+)` \|/gm)].map(([, operation = '']) => operation)
  assert.deepEqual(named.toSorted(), missing.toSorted())
})
