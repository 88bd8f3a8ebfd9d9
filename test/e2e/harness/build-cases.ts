import type { BuildOptions } from './classic-build.ts'

/** What an image prints that a Dockerfile makes. After FROM tiny, unless it has a FROM of its own. */
export interface FileCase extends BuildOptions {
  says: string
  file: string
  run: string
  prints: string
  /** Steps that come from the cache the second time, where that is not each RUN, COPY, ADD and WORKDIR. */
  cached?: number
}

export const fileCases: FileCase[] = [
  // COPY: where things come to lie
  { says: 'COPY of a file to a name', file: 'COPY a /x', files: { a: '1' }, run: 'cat /x', prints: '1' },
  { says: 'COPY of a file into a directory that is there', file: 'COPY a /tmp', files: { a: '1' }, run: 'cat /tmp/a', prints: '1' },
  { says: 'COPY of a file into a directory that is made', file: 'COPY a /n/e/w/', files: { a: '1' }, run: 'cat /n/e/w/a', prints: '1' },
  { says: 'COPY of two files', file: 'COPY a b /n/', files: { a: '1', b: '2' }, run: 'cat /n/a /n/b', prints: '12' },
  { says: 'COPY relative to WORKDIR', file: 'WORKDIR /w\nCOPY a b/', files: { a: '1' }, run: 'cat /w/b/a', prints: '1' },
  { says: 'COPY . to .', file: 'WORKDIR /w\nCOPY . .', files: { a: '1', 'd/b': '2' }, run: 'cat a d/b', prints: '12' },
  { says: 'COPY of what is in a directory', file: 'COPY d /x', files: { 'd/a': '1', 'd/.b': '2' }, run: 'ls -A /x', prints: '.b\na' },
  { says: 'COPY merges directories', file: 'COPY d /x/\nCOPY e /x/', files: { 'd/s/a': '1', 'e/s/b': '2' }, run: 'ls /x/s', prints: 'a\nb' },
  { says: 'COPY over a file', file: 'COPY a /not-executable', files: { a: 'new' }, run: 'cat /not-executable', prints: 'new' },
  { says: 'COPY of a later file over an earlier one', file: 'COPY a /x\nCOPY b /x', files: { a: '1', b: '2' }, run: 'cat /x', prints: '2' },
  { says: 'COPY of the same file to two places', file: 'COPY a /x\nCOPY a /y', files: { a: '1' }, run: 'cat /x /y; stat -c %h /x /y', prints: '111\n1' },
  { says: 'COPY of an empty directory', file: 'COPY d /x', files: { 'd/e/': '' }, run: 'ls /x', prints: 'e' },
  { says: 'COPY of an empty file', file: 'COPY a /x', files: { a: '' }, run: 'stat -c %s /x', prints: '0' },
  { says: 'COPY by ? and []', file: 'COPY a?.[ch] /x/', files: { 'a1.c': '', 'a2.h': '', 'a3.o': '', 'ab1.c': '' }, run: 'ls /x', prints: 'a1.c\na2.h' },
  { says: 'COPY by a pattern in a directory', file: 'COPY d/*/f /x/', files: { 'd/1/f': '1', 'd/2/g': '2' }, run: 'ls /x', prints: 'f' },
  { says: 'COPY of names with blanks', file: 'COPY ["a b", "/x y/"]', files: { 'a b': '1' }, run: 'cat "/x y/a b"', prints: '1' },
  { says: 'COPY of names beyond ASCII', file: 'COPY ä /x/', files: { ä: '1' }, run: 'cat /x/ä', prints: '1' },
  { says: 'COPY to a link to a directory goes where it leads', file: 'RUN mkdir /real && ln -s /real /link\nCOPY a /link/', files: { a: '1' }, run: 'cat /real/a; readlink /link', prints: '1/real' },
  { says: 'COPY to a link out of the image stays in it', file: 'RUN ln -s ../../../../tmp /link\nCOPY a /link/', files: { a: '1' }, run: 'cat /tmp/a', prints: '1' },
  { says: 'COPY with variables in both', file: 'ENV S=a D=/x\nCOPY $S ${D}/y', files: { a: '1' }, run: 'cat /x/y', prints: '1' },
  { says: 'COPY of a large file', file: 'COPY a /x', files: { a: 'x'.repeat(3_000_000) }, run: 'wc -c < /x', prints: '3000000' },
  { says: 'COPY of modes of directories', file: 'COPY d /x/', files: { 'd/a': [0o4755, ''] }, run: 'stat -c %a /x/a', prints: '4755' },
  // COPY: flags
  { says: '--chmod in octal', file: 'COPY --chmod=640 a /x', files: { a: '1' }, run: 'stat -c %a /x', prints: '640' },
  { says: '--chmod in letters', file: 'COPY --chmod=u=rwX,go=rX d /x/', files: { 'd/a': [0o600, ''], 'd/s/b': [0o700, ''] }, run: 'stat -c %a /x/a /x/s/b', prints: '644\n755' },
  { says: '--chown by number', file: 'COPY --chown=12:34 a /x', files: { a: '' }, run: 'stat -c %u:%g /x', prints: '12:34' },
  { says: '--chown by user alone', file: 'COPY --chown=user500 a /x', files: { a: '' }, run: 'stat -c %u:%g /x', prints: '500:500' },
  { says: '--chown by names', file: 'COPY --chown=user500:extra a /x', files: { a: '' }, run: 'stat -c %u:%g /x', prints: '500:600' },
  { says: '--chown holds for directories that are made', file: 'COPY --chown=7:8 d /x/y/', files: { 'd/s/a': '' }, run: 'stat -c %u:%g /x /x/y /x/y/s', prints: '7:8\n7:8\n7:8' },
  { says: '--chown by a variable', file: 'ARG U=9\nCOPY --chown=$U a /x', files: { a: '' }, run: 'stat -c %u /x', prints: '9' },
  { says: '--link over a directory', file: 'RUN mkdir /x && echo 1 > /x/a\nCOPY --link b /x/', files: { b: '2' }, run: 'cat /x/a /x/b', prints: '1\n2' },
  { says: '--link of a stage', file: 'FROM tiny AS s\nRUN echo s > /s\nFROM tiny\nCOPY --link --from=s /s /x/', run: 'cat /x/s', prints: 's' },
  { says: '--parents with a pivot', file: 'COPY --parents a/./b/*.c /x/', files: { 'a/b/1.c': '1', 'a/b/2.h': '2' }, run: 'find /x -type f', prints: '/x/b/1.c' },
  { says: '--parents with patterns', file: 'COPY --parents */*.c /x/', files: { 'a/1.c': '1', 'b/2.c': '2', '3.c': '3' }, run: 'find /x -type f | sort', prints: '/x/a/1.c\n/x/b/2.c' },
  { says: '--exclude twice', file: 'COPY --exclude=*.md --exclude=d . /x/', files: { 'a.md': '', 'd/b': '', c: '' }, run: 'ls /x', prints: 'Dockerfile\nc' },
  { says: '--exclude below', file: 'COPY --exclude=**/*.o d /x/', files: { 'd/a.o': '', 'd/s/b.o': '', 'd/s/c': '' }, run: 'find /x -type f', prints: '/x/s/c' },
  { says: '--from of a number', file: 'FROM tiny\nRUN echo 0 > /n\nFROM tiny\nCOPY --from=0 /n /x', run: 'cat /x', prints: '0' },
  { says: '--from of an image by its name', file: 'COPY --from=tiny /etc/os-release /x', run: 'grep ID= /x', prints: 'ID=gantry-test' },
  { says: 'links of a stage are links', file: 'FROM tiny AS s\nRUN mkdir /d && echo 1 > /d/a && ln -s a /d/l\nFROM tiny\nCOPY --from=s /d /x', run: 'readlink /x/l; cat /x/l', prints: 'a\n1' },
  { says: 'hard links of a stage are hard links', file: 'FROM tiny AS s\nRUN mkdir /d && echo 1 > /d/a && ln /d/a /d/b\nFROM tiny\nCOPY --from=s /d /x', run: 'stat -c %h /x/a', prints: '2' },
  { says: 'owners and modes of a stage stay', file: 'FROM tiny AS s\nRUN echo 1 > /a && chown 5:6 /a && chmod 2711 /a\nFROM tiny\nCOPY --from=s /a /x', run: 'stat -c %u:%g:%a /x', prints: '5:6:2711' },
  { says: 'devices and fifos of a stage', file: 'FROM tiny AS s\nRUN mkdir /d && mkfifo /d/p && mknod /d/n c 1 3\nFROM tiny\nCOPY --from=s /d /x', run: 'stat -c %F /x/p /x/n', prints: 'fifo\ncharacter special file' },
  // ADD
  { says: 'ADD of a file', file: 'ADD a /x', files: { a: '1' }, run: 'cat /x', prints: '1' },
  { says: 'ADD of a directory', file: 'ADD d /x/', files: { 'd/a': '1' }, run: 'cat /x/a', prints: '1' },
  { says: 'ADD of what is called an archive and is none', file: 'ADD a.tar.gz /x/', files: { 'a.tar.gz': 'no archive' }, run: 'cat /x/a.tar.gz', prints: 'no archive' },
  { says: 'ADD --chown --chmod', file: 'ADD --chown=3:4 --chmod=604 a /x', files: { a: '' }, run: 'stat -c %u:%g:%a /x', prints: '3:4:604' },
  // heredocs
  { says: 'a heredoc file with a mode', file: 'COPY --chmod=755 <<E /x\n#!/bin/sh\necho ran\nE', run: '/x', prints: 'ran' },
  { says: 'two heredoc files', file: 'COPY <<a <<b /x/\n1\na\n2\nb', run: 'cat /x/a /x/b', prints: '1\n2' },
  { says: 'a heredoc without tabs', file: 'COPY <<-E /x\n\t\t1\n\t2\nE', run: 'cat /x', prints: '1\n2' },
  { says: 'two scripts', file: 'RUN <<a cat > /x && <<b cat >> /x\n1\na\n2\nb', run: 'cat /x', prints: '1\n2' },
  { says: 'a heredoc of a command', file: 'RUN cat <<E > /x\n$HOME-ish\nE', run: 'cat /x', prints: '/root-ish' },
  // RUN
  { says: 'RUN in exec form without a shell', file: 'RUN ["touch", "/$HOME"]', run: "ls -d '/$HOME'", prints: '/$HOME' },
  { says: 'RUN over several lines with comments', file: 'RUN echo 1 > /x && \\\n# between\n  echo 2 >> /x', run: 'cat /x', prints: '1\n2' },
  { says: 'RUN with another escape character', file: '# escape=`\nFROM tiny\nRUN echo 1 > /x && `\n echo 2 >> /x', run: 'cat /x', prints: '1\n2' },
  { says: 'RUN in the directory of WORKDIR', file: 'WORKDIR /a\nWORKDIR b\nRUN pwd > f', run: 'cat /a/b/f', prints: '/a/b' },
  { says: 'RUN as user and group', file: 'USER 500:600\nRUN id -u > /tmp/x; id -g >> /tmp/x', run: 'cat /tmp/x', prints: '500\n600' },
  { says: 'RUN with HOME of the user', file: 'USER user500\nRUN echo $HOME > /tmp/x', run: 'cat /tmp/x', prints: '/home/user500' },
  { says: 'RUN that removes a directory', file: 'RUN mkdir -p /a/b && touch /a/b/c\nRUN rm -r /a', run: 'ls -d /a 2>/dev/null || echo gone', prints: 'gone' },
  { says: 'RUN that moves a file', file: 'RUN mv /not-executable /moved', run: 'ls /moved /not-executable 2>/dev/null; true', prints: '/moved' },
  { says: 'RUN that makes a link in place of a directory', file: 'RUN rm -r /home && ln -s tmp /home', run: 'readlink /home', prints: 'tmp' },
  { says: 'RUN that changes a mode alone', file: 'RUN chmod 600 /etc/os-release', run: 'stat -c %a /etc/os-release', prints: '600' },
  { says: 'RUN that changes an owner alone', file: 'RUN chown 9:9 /home', run: 'stat -c %u:%g /home', prints: '9:9' },
  { says: 'RUN has no input', file: 'RUN cat > /x; wc -c < /x >> /x', run: 'cat /x', prints: '0' },
  { says: 'RUN that makes nothing', file: 'RUN true\nRUN echo 1 > /x', run: 'cat /x', prints: '1' },
  { says: 'a bind of one file of a stage', file: 'FROM tiny AS s\nRUN echo s > /s\nFROM tiny\nRUN --mount=from=s,source=/s,target=/m cat /m > /x', run: 'cat /x; ls /m 2>/dev/null || echo gone', prints: 's\ngone' },
  { says: 'a bind of an image', file: 'RUN --mount=from=tiny,target=/m ls /m/bin/busybox > /x', run: 'cat /x', prints: '/m/bin/busybox' },
  { says: 'a bind relative to WORKDIR', file: 'WORKDIR /w\nRUN --mount=target=c cat c/a > x', files: { a: '1' }, run: 'cat /w/x', prints: '1' },
  { says: 'a cache with mode and owner', file: 'RUN --mount=type=cache,target=/c,uid=5,gid=6,mode=0711,id=owned stat -c %u:%g:%a /c > /x', run: 'cat /x', prints: '5:6:711' },
  { says: 'a cache that begins from a stage', file: 'FROM tiny AS s\nRUN mkdir /s && echo 1 > /s/f\nFROM tiny\nRUN --mount=type=cache,from=s,source=/s,target=/c,id=from cat /c/f > /x', run: 'cat /x', prints: '1' },
  { says: 'two mounts at once', file: 'RUN --mount=type=tmpfs,target=/t --mount=target=/c cp /c/a /t/a && cat /t/a > /x', files: { a: '1' }, run: 'cat /x', prints: '1' },
  { says: 'a variable in a mount', file: 'ARG P=/c\nRUN --mount=target=$P cat /c/a > /x', files: { a: '1' }, run: 'cat /x', prints: '1' },
  // variables
  { says: 'ARG has its default', file: 'ARG A=1\nRUN echo $A > /x', run: 'cat /x; echo ${A-none}', prints: '1\nnone' },
  { says: 'ARG before FROM is taken over by name', file: 'ARG A=tiny\nFROM $A\nARG A\nRUN echo $A > /x', run: 'cat /x', prints: 'tiny' },
  { says: 'ARG of another stage is not known', file: 'FROM tiny AS s\nARG A=1\nFROM tiny\nRUN echo ${A-none} > /x', run: 'cat /x', prints: 'none' },
  { says: 'ENV comes before ARG', file: 'ARG A=1\nENV A=2\nRUN echo $A > /x', query: { buildargs: '{"A":"3"}' }, run: 'cat /x', prints: '2' },
  { says: 'ARG without a value', file: 'ARG A\nRUN echo ${A-unset} > /x', run: 'cat /x', prints: 'unset' },
  { says: 'platform arguments', file: 'ARG TARGETOS\nARG TARGETARCH\nRUN echo $TARGETOS/$TARGETARCH > /x', run: '[ "$(cat /x)" = "linux/$(uname -m | sed s/x86_64/amd64/\\;s/aarch64/arm64/)" ] && echo same', prints: 'same' },
  { says: 'a variable with modifiers', file: 'ENV A=one.tar.gz B=\nRUN echo ${A%.*} > /a\nENV C=${A##*.} D=${B:-d} E=${A:+e}', run: 'cat /a; echo $C $D $E', prints: 'one.tar\ngz d e' },
  // stages
  { says: 'a chain of three stages', file: 'FROM tiny AS a\nRUN echo 1 > /x\nFROM a AS b\nRUN echo 2 >> /x\nFROM b\nRUN echo 3 >> /x', run: 'cat /x', prints: '1\n2\n3' },
  { says: 'names of stages in capitals', file: 'FROM tiny AS Base\nRUN echo 1 > /x\nFROM base', run: 'cat /x', prints: '1' },
  { says: 'the target by number', file: 'FROM tiny\nRUN echo 0 > /x\nFROM tiny\nRUN echo 1 > /x', query: { target: '0' }, run: 'cat /x', prints: '0' },
  { says: 'triggers of a stage with COPY', file: 'FROM tiny AS b\nONBUILD COPY a /x\nFROM b', files: { a: '1' }, run: 'cat /x', prints: '1', cached: 1 },
  // the file itself
  { says: 'instructions in small letters', file: 'from tiny\nrun echo 1 > /x', run: 'cat /x', prints: '1' },
  { says: 'lines that end as in Windows', file: 'FROM tiny\r\nRUN echo 1 > /x\r\n', run: 'cat /x', prints: '1' },
  { says: 'blank lines and comments before all', file: '\n# a\n\n  # b\nFROM tiny\nRUN echo 1 > /x', run: 'cat /x', prints: '1' },
  { says: 'a byte order mark', file: '\uFEFFFROM tiny\nRUN echo 1 > /x', run: 'cat /x', prints: '1' },
  { says: '.dockerignore', file: 'COPY . /x/', files: { '.dockerignore': '*.md\n!b.md\n.dockerignore\nDockerfile', 'a.md': '', 'b.md': '', c: '' }, run: 'ls -A /x', prints: 'b.md\nc' },
  { says: 'Dockerfile.dockerignore before .dockerignore', file: 'COPY . /x/', files: { '.dockerignore': 'a', 'Dockerfile.dockerignore': 'b\n*ockerfile*\n.*', a: '', b: '' }, run: 'ls -A /x', prints: 'a' },
]

export interface ConfigCase {
  says: string
  file: string
  query?: Record<string, string>
  config: Record<string, unknown>
}

const path = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin'

export const configCases: ConfigCase[] = [
  { says: 'ENV adds to the environment', file: 'ENV A=1 B="2 3"\nENV C=$A-$B', config: { Env: [path, 'A=1', 'B=2 3', 'C=1-2 3'] } },
  { says: 'ENV replaces in place', file: 'ENV A=1 B=2\nENV A=3', config: { Env: [path, 'A=3', 'B=2'] } },
  { says: 'ENV of a line sees what was before the line', file: 'ENV A=1\nENV A=2 B=$A', config: { Env: [path, 'A=2', 'B=1'] } },
  { says: 'ENV without "="', file: 'ENV A one  two', config: { Env: [path, 'A=one  two'] } },
  { says: 'CMD in exec form', file: 'CMD ["a", "b c"]', config: { Cmd: ['a', 'b c'], Entrypoint: null } },
  { says: 'CMD in shell form', file: 'CMD a $B', config: { Cmd: ['/bin/sh', '-c', 'a $B'] } },
  { says: 'CMD twice', file: 'CMD ["a"]\nCMD ["b"]', config: { Cmd: ['b'] } },
  { says: 'ENTRYPOINT takes the CMD of the base away', file: 'ENTRYPOINT ["e"]', config: { Entrypoint: ['e'], Cmd: null } },
  { says: 'ENTRYPOINT leaves the CMD of its own', file: 'CMD ["c"]\nENTRYPOINT ["e"]', config: { Entrypoint: ['e'], Cmd: ['c'] } },
  { says: 'ENTRYPOINT in shell form with another shell', file: 'SHELL ["/bin/ash", "-ec"]\nENTRYPOINT e', config: { Entrypoint: ['/bin/ash', '-ec', 'e'], Shell: ['/bin/ash', '-ec'] } },
  { says: 'EXPOSE', file: 'EXPOSE 80 53/udp 90-91', config: { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '90/tcp': {}, '91/tcp': {} } } },
  { says: 'EXPOSE with a mapping', file: 'EXPOSE 8080:80 127.0.0.1::81', config: { ExposedPorts: { '80/tcp': {}, '81/tcp': {} } } },
  { says: 'VOLUME in both forms', file: 'VOLUME /a /b\nVOLUME ["/c d"]', config: { Volumes: { '/a': {}, '/b': {}, '/c d': {} } } },
  { says: 'USER', file: 'USER a:b', config: { User: 'a:b' } },
  { says: 'WORKDIR', file: 'WORKDIR /a\nWORKDIR ../b', config: { WorkingDir: '/b' } },
  { says: 'LABEL', file: 'LABEL a=1 "b c"="d e"\nLABEL a=2', config: { Labels: { a: '2', 'b c': 'd e' } } },
  { says: 'labels of the request', file: 'LABEL a=1', query: { labels: '{"a":"2","z":"3"}' }, config: { Labels: { a: '2', z: '3' } } },
  { says: 'STOPSIGNAL', file: 'STOPSIGNAL SIGUSR1', config: { StopSignal: 'SIGUSR1' } },
  { says: 'HEALTHCHECK', file: 'HEALTHCHECK --interval=5s --timeout=1s --start-period=2s --retries=4 CMD true', config: { Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 5e9, Timeout: 1e9, StartPeriod: 2e9, Retries: 4 } } },
  { says: 'HEALTHCHECK NONE', file: 'HEALTHCHECK NONE', config: { Healthcheck: { Test: ['NONE'] } } },
  { says: 'ONBUILD', file: 'ONBUILD RUN true\nONBUILD COPY a b', config: { OnBuild: ['RUN true', 'COPY a b'] } },
  { says: 'SHELL', file: 'SHELL ["/bin/ash"]', config: { Shell: ['/bin/ash'] } },
  { says: 'a stage hands on all of it', file: 'FROM tiny AS a\nENV A=1\nUSER u\nWORKDIR /w\nLABEL l=1\nCMD ["c"]\nFROM a\nEXPOSE 1', config: { Env: [path, 'A=1'], User: 'u', WorkingDir: '/w', Labels: { l: '1' }, Cmd: ['c'], ExposedPorts: { '1/tcp': {} } } },
  { says: 'an image of nothing', file: 'FROM scratch\nCMD ["x"]', config: { Cmd: ['x'] } },
]

/** What they are refused with: the line and the instruction are named. */
export const refusalCases: [dockerfile: string, error: RegExp][] = [
  ['FROM tiny\n\nRUNN true', /line 3: unknown instruction: RUNN/],
  ['FROM tiny\nCOPY a', /line 2: COPY requires at least two arguments/],
  ['FROM tiny\nENV', /line 2: ENV requires at least one argument/],
  ['FROM tiny\nUSER', /line 2: USER requires exactly one argument/],
  ['FROM tiny\nCOPY --form=a b c', /line 2: unknown flag: form \(did you mean from\?\)/],
  ['FROM tiny\nEXPOSE 70000', /line 2: invalid containerPort: 70000/],
  ['FROM tiny\nHEALTHCHECK --interval=x CMD true', /line 2: .*x/],
  ['FROM tiny\nSHELL bash', /line 2: SHELL requires the arguments to be in JSON form/],
  ['FROM tiny\nCOPY <<E /x\nno end', /line 2: unterminated heredoc/],
  ['RUN true', /line 1: no build stage in current context/],
  ['FROM tiny AS 1x', /line 1: invalid name for build stage: "1x"/],
  ['FROM tiny\nONBUILD FROM x', /line 2: FROM isn't allowed as an ONBUILD trigger/],
]
