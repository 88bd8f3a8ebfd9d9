import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contextRules } from '../../../../src/lib/build-context/context-rules.ts'

void test('the rules beside a Dockerfile come before those of the context', () => {
  const files: Record<string, string> = { '.dockerignore': 'a', 'build/Dockerfile.dockerignore': '# none', 'x.Dockerfile.dockerignore': 'b\n!c' }
  const read = (name: string): string | undefined => files[name]
  assert.deepEqual(contextRules('Dockerfile', read), { lines: ['a'], file: '.dockerignore' })
  assert.deepEqual(contextRules('x.Dockerfile', read), { lines: ['b', '!c'], file: 'x.Dockerfile.dockerignore' })
  assert.deepEqual(contextRules('build/Dockerfile', read), { lines: [], file: 'build/Dockerfile.dockerignore' })
  assert.deepEqual(contextRules(undefined, read), { lines: ['a'], file: '.dockerignore' })
  assert.deepEqual(contextRules('Dockerfile', () => undefined), { lines: [], file: undefined })
})
