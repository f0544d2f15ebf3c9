// A host program that is killed when what a builder made is in the store and not registered: FOLDER, and the path of the derivation.
import { Realisation } from '../dist/realisation.js'

const [folder, drv] = process.argv.slice(2)
const realisation = await Realisation.open({ folder, directory: '/gnu/store' })
realisation.store.register = () => process.kill(process.pid, 'SIGKILL')
await realisation.realise([drv])
