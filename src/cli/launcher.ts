// Begins buildjail.cjs beside it. `npm run build` makes main.cjs of it, which Node reads at each run: hence no other import.
import fs from 'node:fs'
import { runInThisContext, Script } from 'node:vm'

/** Of the text of buildjail.cjs, of which V8 checks only the length. */
declare const sourceHash: string

type Main = (...words: [NodeJS.Module['exports'], NodeJS.Require, NodeJS.Module, string, string]) => void

const source = `${__dirname}/buildjail.cjs`
const folder = `${__dirname}/compiled`
const kept = `${folder}/${sourceHash}-${process.arch}-${process.versions.v8}`

/** Whether only this user and root can have written it. */
function isBelieved({ uid, mode }: fs.Stats): boolean {
  return (uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0
}

/** V8's compiled form of the source, from an earlier run. V8 executes it without a check. */
function read(): Buffer | undefined {
  let fd: number | undefined
  try {
    fd = fs.openSync(kept, fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK)
    const found = fs.fstatSync(fd)
    // defence: compiled-code-believed
    if (found.isFile() && isBelieved(found) && isBelieved(fs.lstatSync(folder))) return fs.readFileSync(fd)
  } catch {
    // The file does not exist.
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
  return undefined
}

/** Saves it in the package, for the next run. The umask does not change these modes. */
function keep(data: Buffer): void {
  try {
    // defence: compiled-code-mode
    fs.mkdirSync(folder, { recursive: true, mode: 0o755 })
    if (!isBelieved(fs.lstatSync(folder))) return
    // defence: compiled-code-mode-2
    const fd = fs.openSync(`${kept}.${process.pid}`, 'wx', 0o644)
    fs.writeFileSync(fd, data)
    // V8 does not check whether it is complete.
    fs.fsyncSync(fd)
    fs.closeSync(fd)
    fs.renameSync(`${kept}.${process.pid}`, kept)
  } catch {
    // Without the file, the program is only slower.
  }
}

/** Compiling the source takes a sixth of a short run. */
function begin(): void {
  const cachedData = read()
  const script = new Script(fs.readFileSync(source, 'latin1'), { filename: source, ...(cachedData === undefined ? {} : { cachedData }) })
  ;(script.runInThisContext() as Main)(exports, require, module, source, __dirname)
  if ((cachedData === undefined || script.cachedDataRejected === true) && process.argv[2] === 'run' && fs.statSync(__dirname).uid === process.getuid?.()) {
    // By then everything that such a run needs is compiled, unless the run was refused.
    process.once('exit', (status) => {
      if (status !== 125) keep(script.createCachedData())
    })
  }
}

if (process.versions['bun'] === undefined && process.getuid !== undefined) begin()
else (runInThisContext(fs.readFileSync(source, 'utf8'), source) as Main)(exports, require, module, source, __dirname)
