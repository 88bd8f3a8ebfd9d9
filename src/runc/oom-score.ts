import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../kernel/constants/files.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { writeText } from './paths.ts'

/** Through the host's /proc, so before the container's root is entered. */
export function setOomScore(builder: ProgramBuilder, score: number): void {
  const file = builder.cell('oom_score_adj')
  builder.call('open oom_score_adj', 'openat', [AT_FDCWD, builder.string('/proc/self/oom_score_adj'), O_WRONLY | O_CLOEXEC, 0], { save: file })
  writeText(builder, `set oom_score_adj to ${score}`, file, String(score))
}
