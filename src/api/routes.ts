import type { Route } from './route.ts'
import { archiveRoutes } from './routes/archive.ts'
import { buildRoutes } from './routes/build.ts'
import { buildkitRoutes } from './routes/buildkit.ts'
import { checkpointRoutes } from './routes/checkpoints.ts'
import { commitRoutes } from './routes/commit.ts'
import { containerRoutes } from './routes/containers.ts'
import { distributionRoutes } from './routes/distribution.ts'
import { eventRoutes } from './routes/events.ts'
import { execRoutes } from './routes/exec.ts'
import { gantryRoutes } from './routes/gantry.ts'
import { storageRoutes } from './routes/storage.ts'
import { imageRoutes } from './routes/images.ts'
import { containerNetworkRoutes } from './routes/container-network.ts'
import { networkRoutes } from './routes/networks.ts'
import { pluginRoutes } from './routes/plugins.ts'
import { swarmRoutes } from './routes/swarm.ts'
import { systemRoutes } from './routes/system.ts'
import { volumeRoutes } from './routes/volumes.ts'

/** Everything that the API answers. */
export const routes: readonly Route[] = [
  ...systemRoutes,
  ...containerRoutes,
  ...archiveRoutes,
  ...checkpointRoutes,
  ...commitRoutes,
  ...execRoutes,
  ...imageRoutes,
  ...distributionRoutes,
  ...networkRoutes,
  ...containerNetworkRoutes,
  ...volumeRoutes,
  ...eventRoutes,
  ...gantryRoutes,
  ...storageRoutes,
  ...buildRoutes,
  ...buildkitRoutes,
  ...pluginRoutes,
  ...swarmRoutes,
]
