// `node hostile-binding.mjs CASES FOLDER`: every function of the addon with hostile values, beside an open session. Ends with 0 and says what it did.
import { planOf } from '../../../dist/index.js'
import { isNativeFailure } from '../../../dist/errors.js'
import { binding } from '../../../dist/native/load.js'
import { packJob, plainFrame } from '../../../dist/native/wire-job.js'
import { nativePlanOf, packPlan } from '../../../dist/native/wire-plan.js'
import { newId, openEnvelope } from '../../../dist/session/opening.js'
import { anything, anyText, big, bytes, list, object, signal, text, tryAll, whole, word } from './hostile-values.mjs'

const [cases, folder] = process.argv.slice(2)
const addon = binding()
const planned = planOf({})
const envelope = await openEnvelope(nativePlanOf(planned), newId(), planned, 0)
const plan = addon.readPlan(packPlan(planned))
const { constructor: Envelope } = envelope
const { constructor: Plan } = plan
const packedJob = packJob(1, undefined, plainFrame).slice()

const job = whole(0, 2 ** 32 - 1)
const descriptor = whole(0, 2 ** 31 - 1)
const characters = whole(0, 65_535)
const place = () => ({ folder, dev: 0n, ino: 0n, missing: 'kept', id: 'kept' })
const places = object(place, { folder: text, dev: big, ino: big, missing: text, id: text })
/** No job and no descriptor has these numbers. */
const [noJob, noDescriptor] = [4_000_000_000, 2_000_000_000]
/** No listener, and none of this environment's second one. */
const listener = object(() => ({ started: () => {}, ended: () => {}, network: () => {} }), { started: word, ended: word, network: word })
/** Where nothing is, and nothing is made. */
const nowhere = (path) => (typeof path === 'string' ? `${folder}/nowhere/${path}` : path)
/** Each method of an envelope is called on what is none. */
const methods = Object.fromEntries(
  ['killAll', 'keep', 'close', 'record', 'usage'].map((name) => [`${name} of another`, { call: (of) => Envelope.prototype[name].call(of, [], place()), arguments: [[bytes, plan]] }]),
)

const outcome = await tryAll(
  {
    listen: { call: (given) => addon.listen(given), arguments: [[listener, () => ({})]] },
    releaseDescriptor: { call: (fd) => addon.releaseDescriptor(fd), arguments: [[descriptor, noDescriptor]] },
    closeDescriptor: { call: (fd) => addon.closeDescriptor(fd), arguments: [[descriptor, noDescriptor]] },
    readPlan: { call: (packed) => addon.readPlan(packed), arguments: [[bytes, new Uint8Array(8)]] },
    look: { call: (asked) => addon.look(asked), arguments: [[anyText, '']] },
    makeFolder: { call: (existing, missing) => addon.makeFolder(nowhere(existing), missing), arguments: [[text, ''], [text, 'below']] },
    recover: { call: (state) => addon.recover(nowhere(state)), arguments: [[text, '']] },
    listSessions: { call: (state) => addon.listSessions(nowhere(state)), arguments: [[text, '']] },
    start: { call: (of, packed) => addon.start(of, packed), arguments: [[bytes, {}], [bytes, new Uint8Array(8)]] },
    'start of what is neither': { call: (of) => addon.start(of, packedJob), arguments: [[bytes, {}]] },
    kill: { call: (...given) => addon.kill(...given), arguments: [[job, noJob], [signal, 'SIGTERM'], [word, 'tree']] },
    usage: { call: (number) => addon.usage(number), arguments: [[job, noJob]] },
    pidOf: { call: (number) => addon.pidOf(number), arguments: [[job, noJob]] },
    resizeTerminal: { call: (...given) => addon.resizeTerminal(...given), arguments: [[job, noJob], [characters, 80], [characters, 24]] },
    keep: { call: (...given) => envelope.keep(...given), arguments: [[list('/nowhere', text), () => ['/nowhere']], [places, place]] },
    'new NativeEnvelope': { call: (given) => new Envelope(given), arguments: [[anything, undefined]] },
    'new NativePlan': { call: (given) => new Plan(given), arguments: [[bytes, new Uint8Array(8)]] },
    ...methods,
  },
  // What cannot fit comes to no system call.
  (error, isUnfit) => (isNativeFailure(error) && (error.step === 'check' || !isUnfit)) || /^there is a listener already$|^Illegal invocation$/.test(error?.message),
  Number(cases),
)
await envelope.close()
console.log(JSON.stringify(outcome))
