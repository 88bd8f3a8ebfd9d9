import { startGantryRunc } from './start.ts'

startGantryRunc()
