import { ensureImage } from './harness/image.ts'
import { ensureStaged } from './harness/staged.ts'

// Both at a time, before the tests ask for one after the other.
const image = ensureImage()
await Promise.all([ensureStaged(image, 'selinux'), ensureStaged(image, 'apparmor')])
