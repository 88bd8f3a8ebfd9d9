import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { bashScript } from '../../../../src/cli/completion/bash.ts'
import { fishScript } from '../../../../src/cli/completion/fish.ts'
import { subjects } from '../../../../src/cli/completion/nouns.ts'
import { places } from '../../../../src/cli/completion/words.ts'

const run = promisify(execFile)

/** Answers for the engine, and says with which flags before the command it was asked. */
const engine = `gantry() {
  local before=()
  while [[ "$1" == -* ]]; do before+=("$1" "$2"); shift 2; done
  case "$1 $2" in
    "ps -a") echo web; echo web-old ;;
    "ps "*) echo web ;;
    "images "*) echo shop:1.0; echo shop:2.0; echo tools:latest ;;
    "network ls") echo bridge; echo backend ;;
    "volume ls") echo data ;;
    "context ls") echo default; echo far ;;
  esac
  [[ "\${#before[@]}" -eq 0 ]] || echo "asked-with\${before[*]}" | tr -d " "
}`

/** What a bash that has loaded the script offers at the end of a line. */
async function offered(line: string): Promise<string[]> {
  const script = `${engine}\n${bashScript(await places())}\nCOMP_LINE=$1 COMP_POINT=\${#1}\n_gantry\nprintf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await run('bash', ['--norc', '-c', script, 'bash', line])
  return stdout.split('\n').filter((word) => word !== '')
}

const lines: [string, string[]][] = [
  ['gantry syst', ['system']],
  ['gantry system d', ['dial-stdio', 'df']],
  ['gantry ent', ['enter']],
  ['gantry enter --host', ['--host-tools']],
  ['gantry enter ', ['web']],
  ['gantry enter -n --data-root /x ', ['web']],
  ['gantry start ', ['web', 'web-old']],
  ['gantry container rm web ', ['web', 'web-old']],
  ['gantry image rm tools', ['tools:latest']],
  ['gantry network rm ', ['bridge', 'backend']],
  ['gantry network connect ba', ['backend']],
  ['gantry network connect backend ', ['web', 'web-old']],
  ['gantry network connect backend web ', []],
  ['gantry volume inspect ', ['data']],
  ['gantry context use f', ['far']],
  ['gantry run --network b', ['bridge', 'backend']],
  // bash goes on behind the "=" and the ":".
  ['gantry run --network=ba', ['backend']],
  ['gantry run shop:', ['1.0', '2.0']],
  ['gantry run -it --name rm shop:1', ['1.0']],
  ['gantry run --rm shop:1.0 ', []],
  ['gantry exec -u root web ', []],
  ['gantry -H unix:///s stop w', ['web']],
  ['gantry -H unix:///s stop ', ['web', 'asked-with-Hunix:///s']],
  ['gantry --context f', ['far']],
  ['gantry inspect w', ['web', 'web-old']],
  ['gantry stats --no', ['--no-stream', '--no-trunc']],
]
for (const [line, expected] of lines) {
  void test(`bash offers ${expected.length === 0 ? 'nothing' : expected.join(', ')} for "${line}"`, async () => {
    assert.deepEqual(await offered(line), expected)
  })
}

void test('every subject is a command', async () => {
  const known = await places()
  assert.deepEqual(Object.keys(subjects).filter((path) => !known.has(path)), [])
})

void test('the script for fish names every command', async () => {
  const script = fishScript(await places())
  for (const path of (await places()).keys()) for (const word of path.split(' ')) assert.match(script, new RegExp(`\\b${word}\\b`))
})
