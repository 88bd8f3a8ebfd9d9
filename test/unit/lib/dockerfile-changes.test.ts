import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyChanges, type ChangedConfig } from '../../../src/lib/dockerfile-changes.ts'

const changed = (...changes: string[]): ChangedConfig => {
  const config: ChangedConfig = {}
  applyChanges(config, changes)
  return config
}

void test('every instruction that may change an image does', () => {
  assert.deepEqual(changed('CMD ["a", "b"]', 'entrypoint top -b', 'USER 1:2', 'WORKDIR /a', 'WORKDIR ../b', 'STOPSIGNAL SIGINT'), {
    Cmd: ['a', 'b'],
    Entrypoint: ['/bin/sh', '-c', 'top -b'],
    User: '1:2',
    WorkingDir: '/b',
    StopSignal: 'SIGINT',
  })
  assert.deepEqual(changed('ENV A=1 B="x y"', 'ENV A two words', 'LABEL l=v', 'EXPOSE 80 53/udp 90-91', 'VOLUME /data ["x"]'), {
    Env: ['B=x y', 'A=two words'],
    Labels: { l: 'v' },
    ExposedPorts: { '80/tcp': {}, '53/udp': {}, '90/tcp': {}, '91/tcp': {} },
    Volumes: { '/data': {}, '[x]': {} },
  })
})

void test('what is no change is refused', () => {
  assert.throws(() => changed('RUN x'), { kind: 'InvalidParameter', message: 'RUN is not a valid change command' })
  assert.throws(() => changed('CMD'), /requires at least one argument/)
  assert.throws(() => changed('EXPOSE 70000'), /invalid containerPort: 70000/)
  assert.throws(() => changed('ENV A="x'), /matching double-quote/)
})
