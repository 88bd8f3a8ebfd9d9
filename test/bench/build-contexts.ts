import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const directories = 200
const filesEach = 100

/** A context for a Dockerfile of six steps after its FROM. @returns its directory */
export function sixSteps(directory: string, base: string): string {
  mkdirSync(path.join(directory, 'src'), { recursive: true })
  for (let index = 0; index < 20; index++) writeFileSync(path.join(directory, `src/${index}`), `file ${index}\n`.repeat(100))
  const steps = ['RUN mkdir /made && echo one > /made/one', 'WORKDIR /work', 'COPY src ./src/', 'RUN cat src/* > all', 'RUN wc -c all > size', 'COPY src/1 /last']
  writeFileSync(path.join(directory, 'Dockerfile'), `FROM ${base}\nENV A=b\n${steps.join('\n')}\nCMD ["true"]\n`)
  return directory
}

/** A context of 20,000 files of about a KiB, of which one can be changed. */
export function largeContext(directory: string, base: string): { place: string; change: (round: number) => void } {
  for (let parent = 0; parent < directories; parent++) {
    const below = path.join(directory, `src/${parent}`)
    mkdirSync(below, { recursive: true })
    for (let index = 0; index < filesEach; index++) writeFileSync(path.join(below, String(index)), `${parent} ${index}\n`.repeat(100))
  }
  writeFileSync(path.join(directory, 'Dockerfile'), `FROM ${base}\nCOPY . /src/\nRUN test -e /src/src/7/7\nCMD ["true"]\n`)
  return { place: directory, change: (round) => writeFileSync(path.join(directory, 'src/100/50'), `changed in round ${round}\n`) }
}
