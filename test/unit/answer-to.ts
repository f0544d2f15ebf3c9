import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync, type BigIntStats } from 'node:fs'

/** Answers a question as native/plan/look.h says, by Node's own functions. */
export function answerTo(question: string): string {
  const [kind, path] = [question.slice(0, 1), question.slice(1)]
  try {
    if (kind === 'd') return readdirSync(path).map((name) => `/${name}`).join('')
    if (kind === 'l') {
      const found = lstatSync(path, { bigint: true })
      return numbersOf(found) + (found.isSymbolicLink() ? `/${readlinkSync(path)}` : '')
    }
    const found = statSync(path, { bigint: true })
    return numbersOf(found) + (found.isDirectory() || found.isFile() ? realpathSync.native(path) : '')
  } catch (error) {
    const { code, errno = 0, syscall, message } = error as NodeJS.ErrnoException
    return `!${code} ${-errno} ${syscall} ${message.slice(message.indexOf(': ') + 2, message.lastIndexOf(`, ${syscall}`))}`
  }
}

function numbersOf({ dev, ino, mode, nlink, uid, gid, rdev, mtimeNs }: BigIntStats): string {
  return [dev, ino, mode, nlink, uid, gid, rdev, mtimeNs].join(' ')
}
