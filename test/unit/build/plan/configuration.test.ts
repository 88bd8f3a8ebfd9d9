import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ContainerConfig } from '../../../../src/engine/types/container-config.ts'
import { planned, type PlanSettings } from './planned.ts'

const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

interface Case extends PlanSettings {
  says: string
  lines: string
  config?: Partial<ContainerConfig>
  history?: string[]
}

/** Instructions after FROM base, and what the configuration or the history comes to. */
const cases: Case[] = [
  { says: 'ENV sets a variable', lines: 'ENV A=b', config: { Env: ['A=b'] }, history: ['ENV A=b'] },
  { says: 'ENV sets several at once', lines: 'ENV A=b C="d e" F=g\\ h', config: { Env: ['A=b', 'C=d e', 'F=g h'] }, history: ['ENV A=b C=d e F=g h'] },
  { says: 'ENV in the old form takes the rest of the line', lines: 'ENV A b c', config: { Env: ['A=b c'] } },
  { says: 'ENV replaces a value in its place', lines: 'ENV A=1 B=2\nENV A=3', config: { Env: ['A=3', 'B=2'] } },
  { says: 'ENV sees values of before its own line', lines: 'ENV A=1\nENV A=2 B=$A', config: { Env: ['A=2', 'B=1'] } },
  { says: 'ENV extends what the image has', lines: 'ENV A=$A:new', images: { base: { Env: ['A=old'] } }, config: { Env: ['A=old:new'] } },
  { says: 'ENV may use defaults', lines: 'ENV A=${X:-y} B=${X:+z} C=${A:+z}', config: { Env: ['A=y', 'B=', 'C='] } },
  { says: 'ENV keeps what is in single quotes', lines: "ENV A='$X'", config: { Env: ['A=$X'] } },
  { says: 'ENV keeps an escaped dollar', lines: 'ENV A=\\$X', config: { Env: ['A=$X'] } },
  { says: 'ENV removes a prefix', lines: 'ENV V=v1.2.3\nENV A=${V#v} B=${V##*.}', config: { Env: ['V=v1.2.3', 'A=1.2.3', 'B=3'] } },
  { says: 'ENV removes a suffix', lines: 'ENV V=a.tar.gz\nENV A=${V%.*} B=${V%%.*}', config: { Env: ['V=a.tar.gz', 'A=a.tar', 'B=a'] } },
  { says: 'ENV replaces in a value', lines: 'ENV V=a-b-c\nENV A=${V/-/_} B=${V//-/_}', config: { Env: ['V=a-b-c', 'A=a_b-c', 'B=a_b_c'] } },
  { says: 'LABEL sets labels', lines: 'LABEL a=b "c d"="e f"', config: { Labels: { a: 'b', 'c d': 'e f' } } },
  { says: 'LABEL adds to those of the image', lines: 'LABEL a=new', images: { base: { Labels: { a: 'old', b: 'kept' } } }, config: { Labels: { a: 'new', b: 'kept' } } },
  { says: 'labels of the request win', lines: 'LABEL a=file', labels: { a: 'request', x: 'y' }, config: { Labels: { a: 'request', x: 'y' } } },
  { says: 'LABEL expands variables', lines: 'ENV V=1\nLABEL version="$V.0"', config: { Labels: { version: '1.0' } } },
  { says: 'CMD in exec form stands as it is', lines: 'CMD ["a", "b $X"]', config: { Cmd: ['a', 'b $X'] }, history: ['CMD ["a" "b $X"]'] },
  { says: 'CMD in shell form goes through the shell', lines: 'CMD a | b', config: { Cmd: ['/bin/sh', '-c', 'a | b'] }, history: ['CMD ["/bin/sh" "-c" "a | b"]'] },
  { says: 'the last CMD counts', lines: 'CMD a\nCMD ["b"]', config: { Cmd: ['b'] } },
  { says: 'CMD that is no JSON is a shell line', lines: "CMD ['a']", config: { Cmd: ['/bin/sh', '-c', "['a']"] } },
  { says: 'ENTRYPOINT takes the command of the image away', lines: 'ENTRYPOINT ["e"]', images: { base: { Cmd: ['c'] } }, config: { Entrypoint: ['e'], Cmd: null } },
  { says: 'ENTRYPOINT keeps a command of the same stage', lines: 'CMD ["c"]\nENTRYPOINT ["e"]', config: { Entrypoint: ['e'], Cmd: ['c'] } },
  { says: 'an empty ENTRYPOINT takes it away', lines: 'ENTRYPOINT []', images: { base: { Entrypoint: ['e'] } }, config: { Entrypoint: null } },
  { says: 'SHELL changes what shell forms become', lines: 'SHELL ["/bin/bash", "-c"]\nCMD x\nENTRYPOINT y', config: { Shell: ['/bin/bash', '-c'], Cmd: ['/bin/bash', '-c', 'x'], Entrypoint: ['/bin/bash', '-c', 'y'] } },
  { says: 'SHELL of the image holds', lines: 'CMD x', images: { base: { Shell: ['/bin/ash', '-c'] } }, config: { Cmd: ['/bin/ash', '-c', 'x'] } },
  { says: 'USER is expanded', lines: 'ENV U=me\nUSER $U:$U', config: { User: 'me:me' }, history: ['ENV U=me', 'USER me:me'] },
  { says: 'WORKDIR is absolute', lines: 'WORKDIR a\nWORKDIR b/../c', config: { WorkingDir: '/a/c' } },
  { says: 'WORKDIR goes on from that of the image', lines: 'WORKDIR sub', images: { base: { WorkingDir: '/app' } }, config: { WorkingDir: '/app/sub' } },
  { says: 'WORKDIR begins anew with a slash', lines: 'WORKDIR /a\nWORKDIR /b/', config: { WorkingDir: '/b' } },
  { says: 'WORKDIR is expanded', lines: 'ENV D=/x\nWORKDIR $D/y', config: { WorkingDir: '/x/y' } },
  { says: 'WORKDIR does not leave the root', lines: 'WORKDIR ../../etc', config: { WorkingDir: '/etc' } },
  { says: 'EXPOSE takes protocols and ranges', lines: 'EXPOSE 80 53/udp 8000-8002', config: { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {}, '8002/tcp': {} } } },
  { says: 'of EXPOSE with a mapping it is the port of the container', lines: 'EXPOSE 8080:80 127.0.0.1:81:81/udp [::1]::82 8000-8001:90-91 9000-9005:92', config: { ExposedPorts: { '80/tcp': {}, '81/udp': {}, '82/tcp': {}, '90/tcp': {}, '91/tcp': {}, '92/tcp': {} } } },
  { says: 'EXPOSE is expanded to several words', lines: 'ENV P="80 443"\nEXPOSE $P', config: { ExposedPorts: { '80/tcp': {}, '443/tcp': {} } } },
  { says: 'VOLUME takes words and JSON', lines: 'VOLUME /a /b\nVOLUME ["/c d"]', config: { Volumes: { '/a': {}, '/b': {}, '/c d': {} } }, history: ['VOLUME [/a /b]', 'VOLUME [/c d]'] },
  { says: 'STOPSIGNAL is expanded', lines: 'ENV S=SIGQUIT\nSTOPSIGNAL $S', config: { StopSignal: 'SIGQUIT' } },
  { says: 'HEALTHCHECK in shell form', lines: 'HEALTHCHECK --interval=5s --timeout=1m --retries=3 CMD curl -f x', config: { Healthcheck: { Test: ['CMD-SHELL', 'curl -f x'], Interval: 5e9, Timeout: 6e10, Retries: 3 } } },
  { says: 'HEALTHCHECK in exec form', lines: 'HEALTHCHECK --start-period=1s --start-interval=2s CMD ["a", "b"]', config: { Healthcheck: { Test: ['CMD', 'a', 'b'], StartPeriod: 1e9, StartInterval: 2e9 } } },
  { says: 'HEALTHCHECK NONE', lines: 'HEALTHCHECK NONE', images: { base: { Healthcheck: { Test: ['CMD', 'x'] } } }, config: { Healthcheck: { Test: ['NONE'] } }, history: [`HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" '\\x00'}`] },
  { says: 'ONBUILD is kept for later', lines: 'ONBUILD RUN x\nONBUILD COPY . /a', config: { OnBuild: ['RUN x', 'COPY . /a'] }, history: [] },
  { says: 'triggers of the image are carried out', lines: 'ENV A=1', images: { base: { OnBuild: ['ENV T=2', 'LABEL l=m'] } }, config: { Env: ['T=2', 'A=1'], Labels: { l: 'm' }, OnBuild: undefined } },
  { says: 'MAINTAINER is part of history', lines: 'MAINTAINER me <me@example.com>', history: ['MAINTAINER me <me@example.com>'] },
  { says: 'ARG is part of history', lines: 'ARG A=1\nARG B', history: ['ARG A=1', 'ARG B'] },
  { says: 'what the image has stays', lines: 'ENV B=2', images: { base: { Env: ['A=1'], Cmd: ['c'], User: 'u', WorkingDir: '/w', StopSignal: 'SIGINT', Volumes: { '/v': {} }, ExposedPorts: { '1/tcp': {} } } }, config: { Env: ['A=1', 'B=2'], Cmd: ['c'], User: 'u', WorkingDir: '/w', StopSignal: 'SIGINT', Volumes: { '/v': {} }, ExposedPorts: { '1/tcp': {} } } },
  { says: 'RUN with arguments tells them', lines: 'ARG A=1\nRUN x $A', history: ['ARG A=1', 'RUN |1 A=1 /bin/sh -c x $A # buildkit'] },
  { says: 'RUN in exec form has no shell', lines: 'RUN ["x", "y"]', history: ['RUN x y # buildkit'] },
  { says: 'COPY tells its owner and mode', lines: 'COPY --chown=a:b --chmod=755 x /y', history: ['COPY --chown=a:b --chmod=755 x /y # buildkit'] },
  { says: 'ADD tells its URL', lines: 'ADD http://example.com/f /', history: ['ADD http://example.com/f / # buildkit'] },
]

void describe('the configuration that a Dockerfile comes to', () => {
  for (const { says, lines, config = {}, history, ...settings } of cases) {
    void test(says, async () => {
      const plan = await planned(`FROM base\n${lines}`, settings)
      const relevant = Object.fromEntries(Object.keys(config).map((key) => [key, plan.config[key as keyof ContainerConfig]]))
      assert.deepEqual(relevant, config)
      if (history !== undefined) assert.deepEqual(plan.history.map(({ created_by }) => created_by), history)
    })
  }

  void test('an image from scratch has a search path and nothing else', async () => {
    const { config } = await planned('FROM scratch\nCMD ["/x"]')
    assert.deepEqual(config, { Env: [path], WorkingDir: '/', Cmd: ['/x'], ArgsEscaped: true })
  })
})
