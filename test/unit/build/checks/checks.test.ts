import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDockerfile, checkFailure, type Findings } from '../../../../src/build/checks/check-dockerfile.ts'
import { descriptions, ruleUrl, type Rule } from '../../../../src/build/checks/rules.ts'
import type { BuildWarning } from '../../../../src/build/contract.ts'
import { parseDockerfile } from '../../../../src/build/dockerfile/dockerfile.ts'
import { planBuild } from '../../../../src/build/plan/plan.ts'

/** Plans it too, for the variables that nobody has set. */
async function check(text: string, { buildArgs = {}, target, ...more }: Partial<Findings> & { buildArgs?: Record<string, string>; target?: string } = {}): Promise<BuildWarning[]> {
  const dockerfile = parseDockerfile(text)
  const unset: { name: string; line: number }[] = []
  const request = { buildArgs, labels: {}, noCache: false, namedContexts: new Map(), run: { network: 'default', extraHosts: [], ulimits: [] }, entitlements: [], ...(target === undefined ? {} : { target }) }
  const image = { config: { Env: ['PATH=/bin'] } } as never
  const own = { os: 'linux', architecture: 'amd64' }
  await planBuild(dockerfile, { request, platform: own, own, severalPlatforms: false, image: async (reference) => ({ image, reference }), unset: (name, line) => unset.push({ name, line }) }).catch(() => undefined)
  return checkDockerfile(dockerfile, { request, unset, ...more })
}

type Expected = [line: number, rule: Rule, detail: string]
const cases: [dockerfile: string, expected: Expected[], more?: Parameters<typeof check>[1]][] = [
  ['FROM scratch AS BuilderBase', [[1, 'StageNameCasing', "Stage name 'BuilderBase' should be lowercase"]]],
  ['FROM scratch AS builder-base', []],
  ['FROM scratch as base', [[1, 'FromAsCasing', "'as' and 'FROM' keywords' casing do not match"]]],
  ['from scratch AS base', [[1, 'FromAsCasing', "'AS' and 'from' keywords' casing do not match"]]],
  ['from scratch as base', []],
  ['FROM scratch\nCOPY Dockerfile \\\n\n.\nCOPY Dockerfile \\\n.', [[4, 'NoEmptyContinuation', 'Empty continuation line']]],
  ['FROM scratch\nCOPY Dockerfile \\\n# note\n.', []],
  ['From scratch as base\nFROM scratch AS base2', [[1, 'ConsistentInstructionCasing', "Command 'From' should match the case of the command majority (uppercase)"]]],
  ['FROM scratch\ncopy Dockerfile /foo\nCOPY Dockerfile /bar', [[2, 'ConsistentInstructionCasing', "Command 'copy' should match the case of the command majority (uppercase)"]]],
  ['frOM scratch as base\nfrom scratch as base2', [[1, 'ConsistentInstructionCasing', "Command 'frOM' should match the case of the command majority (lowercase)"]]],
  ['from scratch\nCOPY Dockerfile /foo\ncopy Dockerfile /bar', [[2, 'ConsistentInstructionCasing', "Command 'COPY' should match the case of the command majority (lowercase)"]]],
  ['FROM alpine\nRUN <<EOT\nenv\nEOT', []],
  ['FROM scratch AS b\nFROM scratch AS b', [[2, 'DuplicateStageName', 'Duplicate stage name "b", stage names should be unique']]],
  ['FROM scratch AS b1\nFROM scratch AS b2', []],
  ['FROM scratch AS scratch\nFROM scratch AS context', [[1, 'ReservedStageName', 'Stage name should not use the same name as reserved stage "scratch"'], [2, 'ReservedStageName', 'Stage name should not use the same name as reserved stage "context"']]],
  ['FROM scratch\nFROM scratch AS a', []],
  ['FROM scratch\nCMD mycommand', [[2, 'JSONArgsRecommended', 'JSON arguments recommended for CMD to prevent unintended behavior related to OS signals']]],
  ['FROM scratch\nENTRYPOINT mycommand', [[2, 'JSONArgsRecommended', 'JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals']]],
  ['FROM scratch\nCMD ["mycommand"]', []],
  ['FROM scratch\nSHELL ["/usr/bin/customshell"]\nCMD mycommand', []],
  ['FROM scratch AS base\nSHELL ["/usr/bin/customshell"]\nFROM base\nENTRYPOINT mycommand', []],
  ['FROM scratch\nMAINTAINER me@example.org', [[2, 'MaintainerDeprecated', 'Maintainer instruction is deprecated in favor of using label']]],
  ['ARG base=scratch\nFROM $base', []],
  ['FROM --platform=$BUILDPLATFORM scratch', []],
  ['ARG DEBUG\nFROM scratch${DEBUG}', []],
  ['FROM --platform=$BULIDPLATFORM scratch', [[1, 'UndefinedArgInFrom', "FROM argument 'BULIDPLATFORM' is not declared (did you mean BUILDPLATFORM?)"]]],
  ['ARG MY_OS=linux\nARG MY_ARCH=amd64\nFROM --platform=linux/${MYARCH} busybox', [[3, 'UndefinedArgInFrom', "FROM argument 'MYARCH' is not declared (did you mean MY_ARCH?)"]]],
  ['ARG tag=latest\nFROM busybox:${tag}${version} AS b', [[2, 'UndefinedArgInFrom', "FROM argument 'version' is not declared"]]],
  ['FROM busybox:${version:-latest}', []],
  ['FROM scratch\nWORKDIR app/', [[2, 'WorkdirRelativePath', 'Relative workdir "app/" can have unexpected results if the base image changes']]],
  ['FROM scratch\nWORKDIR /app\nWORKDIR sub', []],
  ['FROM scratch AS a\nWORKDIR /app\nFROM a AS b\nWORKDIR subdir/', []],
  ['FROM scratch\nARG foo\nCOPY Dockerfile${foo} .', []],
  ['FROM alpine AS base\nARG foo=Dockerfile\nFROM base\nCOPY $foo .', []],
  ['FROM alpine\nRUN echo $PATH', []],
  ['FROM alpine\nCOPY $foo .\nARG foo=bar\nRUN echo $foo', [[2, 'UndefinedVar', "Usage of undefined variable '$foo'"]]],
  ['FROM alpine\nARG DIR_BINARIES=binaries/\nARG DIR_ASSETS=assets/\nCOPY $DIR_ASSET .', [[4, 'UndefinedVar', "Usage of undefined variable '$DIR_ASSET' (did you mean $DIR_ASSETS?)"]]],
  ['FROM alpine\nENV PATH=$PAHT:/tmp/bin', [[2, 'UndefinedVar', "Usage of undefined variable '$PAHT' (did you mean $PATH?)"]]],
  ['FROM alpine\nENV X=$PATH:/x Y=${Z:-1} W=${V:+1}', []],
  ['FROM scratch\nENTRYPOINT ["/a"]\nENTRYPOINT ["/b"]\nCMD ["/a"]\nCMD ["/b"]\nHEALTHCHECK CMD ["/a"]\nHEALTHCHECK CMD ["/b"]', [[2, 'MultipleInstructionsDisallowed', 'Multiple ENTRYPOINT instructions should not be used in the same stage because only the last one will be used'], [4, 'MultipleInstructionsDisallowed', 'Multiple CMD instructions should not be used in the same stage because only the last one will be used'], [6, 'MultipleInstructionsDisallowed', 'Multiple HEALTHCHECK instructions should not be used in the same stage because only the last one will be used']]],
  ['FROM scratch AS a\nCMD ["/a"]\nFROM a AS b\nCMD ["/b"]', []],
  ['FROM scratch\nENV testkey value\nLABEL key value', [[2, 'LegacyKeyValueFormat', '"ENV key=value" should be used instead of legacy "ENV key value" format'], [3, 'LegacyKeyValueFormat', '"LABEL key=value" should be used instead of legacy "LABEL key value" format']]],
  ['FROM scratch\nENV testkey=value\nLABEL key=value', []],
  ['FROM --platform=$TARGETPLATFORM scratch', [[1, 'RedundantTargetPlatform', 'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior']]],
  ['FROM --platform=${TARGETPLATFORM} scratch', [[1, 'RedundantTargetPlatform', 'Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as this is the default behavior']]],
  ['FROM scratch\nARG SECRET_PASSPHRASE\nENV password=bar ok=1\nENV apikey=bar\nENV git_key=x\nENV PUBLIC_KEY=x\nARG public_token', [[2, 'SecretsUsedInArgOrEnv', 'Do not use ARG or ENV instructions for sensitive data (ARG "SECRET_PASSPHRASE")'], [3, 'SecretsUsedInArgOrEnv', 'Do not use ARG or ENV instructions for sensitive data (ENV "password")'], [4, 'SecretsUsedInArgOrEnv', 'Do not use ARG or ENV instructions for sensitive data (ENV "apikey")'], [5, 'SecretsUsedInArgOrEnv', 'Do not use ARG or ENV instructions for sensitive data (ENV "git_key")']]],
  ['FROM scratch\nENV monkey=1 tokenizer=2 keyboard=3', []],
  ['ARG VERSION\nFROM busybox:$VERSION', [[2, 'InvalidDefaultArgInFrom', 'Default value for ARG busybox:$VERSION results in empty or invalid base image name']], { buildArgs: { VERSION: 'latest' } }],
  ['ARG IMAGE\nFROM $IMAGE', [[2, 'InvalidDefaultArgInFrom', 'Default value for ARG $IMAGE results in empty or invalid base image name']], { buildArgs: { IMAGE: 'busybox:latest' } }],
  ['ARG SFX="box:"\nFROM busy${SFX}', [[2, 'InvalidDefaultArgInFrom', 'Default value for ARG busy${SFX} results in empty or invalid base image name']], { buildArgs: { SFX: 'box:latest' } }],
  ['ARG VERSION="latest"\nFROM busybox:${VERSION}', []],
  ['ARG BUSYBOX_VARIANT\nFROM busybox:stable${BUSYBOX_VARIANT}', []],
  ['FROM --platform=linux/amd64 scratch', [[1, 'FromPlatformFlagConstDisallowed', 'FROM --platform flag should not use constant value "linux/amd64"']]],
  ['FROM --platform=linux/amd64 scratch AS my_amd64_stage', []],
  ['FROM --platform=linux/amd64 scratch AS linux', []],
  ['FROM scratch\nCOPY Dockerfile .', [], { ignored: ['Dockerfile'] }],
  ['# check=experimental=CopyIgnoredFile\nFROM scratch\nCOPY Dockerfile .\nADD Dockerfile /windy', [[3, 'CopyIgnoredFile', 'Attempting to Copy file "Dockerfile" that is excluded by .dockerignore'], [4, 'CopyIgnoredFile', 'Attempting to Add file "Dockerfile" that is excluded by .dockerignore']], { ignored: ['Dockerfile'] }],
  ['# check=skip=all;experimental=CopyIgnoredFile\nFROM scratch as x\nCOPY d/f .', [[3, 'CopyIgnoredFile', 'Attempting to Copy file "d/f" that is excluded by .dockerignore']], { ignored: ['d'] }],
  ['# check=experimental=all\nFROM scratch AS base\nCOPY Dockerfile /foobar\nADD https://x/foobar /y\nFROM base\nCOPY --from=base /foobar /Dockerfile', [], { ignored: ['foobar'] }],
  ['# check=experimental=InvalidDefinitionDescription\n# foo this is the foo\nARG foo=bar\n\n# base this is the base image\nFROM scratch AS base\n\n# baz this is the baz\nARG foo=baz bar=qux baz=quux\n#\nARG bit=bat\n# something else\nCOPY Dockerfile .', []],
  ['# check=experimental=InvalidDefinitionDescription\n# bar this is the bar\nARG foo=bar\n# BasE this is the BasE image\nFROM scratch AS base\n# definitely a bad comment\nARG version=latest\n# definitely a bad comment\nARG foo=baz bar=qux', [[3, 'InvalidDefinitionDescription', 'Comment for ARG should follow the format: `# foo <description>`'], [5, 'InvalidDefinitionDescription', 'Comment for FROM should follow the format: `# base <description>`'], [7, 'InvalidDefinitionDescription', 'Comment for ARG should follow the format: `# version <description>`'], [9, 'InvalidDefinitionDescription', 'Comment for ARG should follow the format: `# <arg_key> <description>`']]],
  ['# check=experimental=InvalidDefinitionDescription\nFROM scratch AS base', []],
  ['FROM scratch\nEXPOSE 80/TcP 443/udp', [[2, 'ExposeProtoCasing', "Defined protocol '80/TcP' in EXPOSE instruction should be lowercase"]]],
  ['FROM alpine\nEXPOSE 127.0.0.1:80:80', [[2, 'ExposeInvalidFormat', "EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'"]]],
  ['FROM alpine\nEXPOSE 80:80 81', [[2, 'ExposeInvalidFormat', "EXPOSE instruction should not define an IP address or host-port mapping, found '80:80'"]]],
  ['#check=skip=all\nFROM scratch as base\ncopy Dockerfile .', []],
  ['#check=skip=ConsistentInstructionCasing,FromAsCasing;error=true\nFROM scratch as base\ncopy Dockerfile .', []],
  ['#check=skip=ConsistentInstructionCasing\nFROM scratch as base\ncopy Dockerfile .', [[2, 'FromAsCasing', "'as' and 'FROM' keywords' casing do not match"]]],
  ['#check=skip=all\nFROM scratch as base\ncopy Dockerfile .', [[2, 'FromAsCasing', "'as' and 'FROM' keywords' casing do not match"]], { buildArgs: { BUILDKIT_DOCKERFILE_CHECK: 'skip=ConsistentInstructionCasing' } }],
  ['FROM scratch AS a\nFROM a AS b\nENV testkey value\nFROM a AS c', [], { stages: [0, 2] }],
  ['FROM scratch AS a\nFROM a AS b\nENV testkey value\nFROM a AS c', [[3, 'LegacyKeyValueFormat', '"ENV key=value" should be used instead of legacy "ENV key value" format']]],
]

for (const [dockerfile, expected, more] of cases) {
  const title = expected.length === 0 ? 'nothing' : [...new Set(expected.map(([, rule]) => rule))].join()
  void test(`checks find ${title} in ${JSON.stringify(dockerfile).slice(0, 120)}${more === undefined ? '' : ` with ${JSON.stringify(more)}`}`, async () => {
    const found = await check(dockerfile, more)
    assert.deepEqual(found.map(({ start, rule, detail }) => [start, rule, detail]), expected)
  })
}

void test('a warning has its description and a page about it', async () => {
  const [warning] = await check('FROM scratch\nCMD x')
  assert.deepEqual([warning?.description, warning?.url, warning?.start, warning?.end], [descriptions.JSONArgsRecommended, 'https://docs.docker.com/go/dockerfile/rule/json-args-recommended/', 2, 2])
  const urls: [Rule, string][] = [['StageNameCasing', 'stage-name-casing'], ['SecretsUsedInArgOrEnv', 'secrets-used-in-arg-or-env'], ['FromPlatformFlagConstDisallowed', 'from-platform-flag-const-disallowed'], ['UndefinedArgInFrom', 'undefined-arg-in-from'], ['NoEmptyContinuation', 'no-empty-continuation'], ['ExposeProtoCasing', 'expose-proto-casing'], ['CopyIgnoredFile', 'copy-ignored-file']]
  for (const [rule, slug] of urls) assert.equal(ruleUrl(rule), `https://docs.docker.com/go/dockerfile/rule/${slug}/`)
})

const failure = async (text: string, buildArgs: Record<string, string> = {}) => checkFailure(parseDockerfile(text), { request: { buildArgs } }, await check(text, { buildArgs }))?.message

void test('error=true makes an error of warnings that are left', async () => {
  assert.equal(await failure('#check=error=true\nFROM scratch as base\ncopy Dockerfile .'), 'lint violation found for rules: ConsistentInstructionCasing, FromAsCasing')
  assert.equal(await failure('#check=skip=all;error=true\nFROM scratch as base'), undefined)
  assert.equal(await failure('#check=error=false\nFROM scratch as base'), undefined)
  assert.equal(await failure('FROM scratch as base'), undefined)
  assert.equal(await failure('FROM scratch as base', { BUILDKIT_DOCKERFILE_CHECK: 'error=true' }), 'lint violation found for rules: FromAsCasing')
  assert.equal(await failure('#check=error=true\nFROM scratch as base', { BUILDKIT_DOCKERFILE_CHECK: 'skip=all' }), undefined)
})

for (const directive of ['skip', 'foo=bar', 'error=perhaps', 'skip=all;x']) {
  void test(`# check=${directive} is refused`, async () => {
    await assert.rejects(check(`# check=${directive}\nFROM scratch`), /line 1: (?:invalid check option|failed to parse check option)/)
  })
}
