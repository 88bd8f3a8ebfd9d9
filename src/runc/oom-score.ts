import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../kernel/constants/files.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { writeText } from './paths.ts'

const EACCES = 13

/** Through the host's /proc, so before the container's root is entered. `clipped`: what cannot be had is left as it is. */
export function setOomScore(builder: ProgramBuilder, score: number, clipped: boolean): void {
  const file = builder.cell('oom_score_adj')
  builder.call('open oom_score_adj', 'openat', [AT_FDCWD, builder.string('/proc/self/oom_score_adj'), O_WRONLY | O_CLOEXEC, 0], { save: file })
  writeText(builder, `set oom_score_adj to ${score}`, file, String(score), clipped ? { ignore: [EACCES] } : {})
  builder.call('close oom_score_adj', 'close', [file])
}
