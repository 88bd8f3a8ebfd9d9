import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changedConfig } from '../../../../src/engine/images/changed-config.ts'
import type { ContainerConfig } from '../../../../src/engine/types/container-config.ts'

const changed = (...changes: string[]): ContainerConfig => changedConfig({}, changes)

void test('every instruction that may change an image does', () => {
  assert.deepEqual(changed('CMD ["a", "b"]', 'USER 1:2', 'WORKDIR /a', 'WORKDIR ../b', 'STOPSIGNAL SIGINT', 'ONBUILD RUN make'), {
    Cmd: ['a', 'b'],
    User: '1:2',
    WorkingDir: '/b',
    StopSignal: 'SIGINT',
    OnBuild: ['RUN make'],
  })
  assert.deepEqual(changed('ENV A=1 B="x y"', 'ENV A two words', 'LABEL l=v', 'EXPOSE 80 53/udp 90-91', 'VOLUME ["/data", "x"]'), {
    Env: ['A=two words', 'B=x y'],
    Labels: { l: 'v' },
    ExposedPorts: { '80/tcp': {}, '53/udp': {}, '90/tcp': {}, '91/tcp': {} },
    Volumes: { '/data': {}, '/x': {} },
  })
})

void test('a health check is set with its times, and taken away', () => {
  assert.deepEqual(changed('HEALTHCHECK --interval=5s --timeout=1m30s --retries=2 CMD curl -f http://localhost/ || exit 1').Healthcheck, {
    Test: ['CMD-SHELL', 'curl -f http://localhost/ || exit 1'], Interval: 5e9, Timeout: 90e9, Retries: 2,
  })
  assert.deepEqual(changed('healthcheck cmd ["true"]').Healthcheck, { Test: ['CMD', 'true'] })
  assert.deepEqual(changedConfig({ Healthcheck: { Test: ['CMD', 'x'] } }, ['HEALTHCHECK NONE']).Healthcheck, { Test: ['NONE'] })
})

void test('variables are those of the environment, as it was before the instruction', () => {
  const config = changedConfig({ Env: ['HOME=/h', 'PORT=80'] }, [
    'ENV HOME=/new OLD=$HOME', 'WORKDIR $HOME/sub', 'EXPOSE ${PORT} ${MORE:-81}/udp', 'LABEL "where is"="${HOME}" plain=\'$HOME\'', 'USER ${NOBODY:-me}', 'VOLUME $HOME/data', 'CMD echo $HOME',
  ])
  assert.deepEqual(config, {
    Env: ['HOME=/new', 'PORT=80', 'OLD=/h'],
    WorkingDir: '/new/sub',
    ExposedPorts: { '80/tcp': {}, '81/udp': {} },
    Labels: { 'where is': '/new', plain: '$HOME' },
    User: 'me',
    Volumes: { '/new/data': {} },
    // The shell of the container does that.
    Cmd: ['/bin/sh', '-c', 'echo $HOME'],
  })
})

void test('a new entry point takes the command away, unless a CMD came before it; a shell form goes to the shell of the image', () => {
  assert.deepEqual(changedConfig({ Cmd: ['old'] }, ['ENTRYPOINT ["e"]']), { Cmd: null, Entrypoint: ['e'] })
  assert.deepEqual(changedConfig({ Cmd: ['old'] }, ['CMD ["new"]', 'ENTRYPOINT top -b']), { Cmd: ['new'], Entrypoint: ['/bin/sh', '-c', 'top -b'] })
  assert.deepEqual(changedConfig({ Shell: ['/bin/bash', '-ec'] }, ['CMD exit 1']).Cmd, ['/bin/bash', '-ec', 'exit 1'])
})

void test('lines go on, comments are passed over, and what was given is not changed', () => {
  const config: ContainerConfig = { Env: ['A=1'] }
  assert.deepEqual(changedConfig(config, ['ENV A=2 \\\n  B=3', '# nothing', 'USER u']), { Env: ['A=2', 'B=3'], User: 'u' })
  assert.deepEqual(config, { Env: ['A=1'] })
  assert.deepEqual(changedConfig(config, []), config)
})

void test('what is no change is refused, with no line of a file that there is not', () => {
  for (const [text, message] of [
    ['RUN x', 'RUN is not a valid change command'],
    ['copy a b', 'copy is not a valid change command'],
    ['SHELL ["x"]', 'SHELL is not a valid change command'],
    ['FROM x', 'FROM is not a valid change command'],
    ['NONSENSE', 'NONSENSE is not a valid change command'],
    ['# nothing', 'file with no instructions'],
    ['ENTRYPOINT', 'ENTRYPOINT requires at least one argument'],
    ['USER', 'USER requires exactly one argument'],
    ['ENV A', 'ENV must have two arguments'],
    ['LABEL a=b c', "Syntax error - can't find = in \"c\". Must be of the form: name=value"],
    ['HEALTHCHECK CMD', 'missing command after HEALTHCHECK CMD'],
    ['ONBUILD ONBUILD RUN x', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
  ] as const) {
    assert.throws(() => changed(text), { kind: 'InvalidParameter', message }, text)
  }
  assert.throws(() => changed('EXPOSE 70000'), /invalid containerPort: 70000/)
  assert.throws(() => changed('USER ${A:?no user}'), /no user/)
})
