import { references } from '../../containerd/images/image-database.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Stack } from '../cache/build-cache.ts'
import type { BuildJob, BuildRoom } from './build-room.ts'

/** The layers of an image, which stay until the build ends even when it is removed. @throws NotFound when it is gone already */
export async function holdImage({ core }: BuildRoom, job: BuildJob, id: string): Promise<Stack> {
  return await core.exclusive(async () => {
    const image = core.database.images.get(id)
    if (image === undefined) throw new GantryError('NotFound', `No such image: ${id}`)
    job.cleanups.push(core.holds.hold(references(image)))
    return image.layers
  })
}
