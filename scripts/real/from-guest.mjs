// Records of suites that run in a guest, whose files are not kept: each comes out as a line.
import { writeFileSync } from 'node:fs'
import path from 'node:path'

/** A command for sh(1) that runs another one, and then says what that has left of records. */
export function sayingRecords(command) {
  return `export BUILDJAIL_REAL_RECORDS=$(mktemp -d)
${command}
status=$?
for left in "$BUILDJAIL_REAL_RECORDS"/root-*; do if [ -e "$left" ]; then echo "RECORDED $(cat "$left")"; fi; done
exit $status`
}

/** Gets what the guest says, in pieces. Records go to the folder, where scripts/real/page.mjs finds them, and the rest to stdout. @param {string} folder */
export function takingRecords(folder) {
  let begun = ''
  let count = 0
  return (text) => {
    const lines = (begun + text).split('\n')
    begun = lines.pop()
    for (const line of lines) {
      const [, record] = /^RECORDED (\{.*)$/.exec(line) ?? []
      if (record === undefined) process.stdout.write(`${line}\n`, 'latin1')
      else writeFileSync(path.join(folder, `root-${(count += 1)}.json`), record, 'latin1')
    }
  }
}
