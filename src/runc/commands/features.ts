import type { Command } from '../command.ts'
import { describeFeatures } from '../features.ts'
import { writeOut } from '../output.ts'

export const features: Command = {
  flags: {},
  arguments: [0, 0],
  run: async () => {
    writeOut(1, `${JSON.stringify(describeFeatures(), null, 4)}\n`)
    return 0
  },
}
