// What a suite said of each of its tests, read from the forms in which suites say it.

export type Outcome = 'passed' | 'failed' | 'skipped'

/** By the name of the test. A name that comes again has its number behind it. */
export type Outcomes = ReadonlyMap<string, Outcome>

export type Reader = (text: string) => Outcomes

function collected(each: Iterable<readonly [string, Outcome]>): Outcomes {
  const outcomes = new Map<string, Outcome>()
  const times = new Map<string, number>()
  for (const [name, outcome] of each) {
    const time = (times.get(name) ?? 0) + 1
    times.set(name, time)
    outcomes.set(time === 1 ? name : `${name} (${time})`, outcome)
  }
  return outcomes
}

/** JUnit's XML, which Python and Node write. The suites around a test are part of its name. Python writes no name for a test of which a part failed. */
export const readJunit: Reader = (text) => collected(junitCases(text))

function* junitCases(text: string): Generator<readonly [string, Outcome]> {
  const suites: string[] = []
  // A value may have a `>` in it. What a failed test said may have none of these tags: `<` is written `&lt;` there.
  const tags = text.matchAll(/<(\/?)(testsuite|testcase|failure|error|skipped)\b((?:[^>"]|"[^"]*")*)>/g)
  let open: { name: string; outcome: Outcome } | undefined
  for (const [, slash, tag, rest = ''] of tags) {
    const isEnd = slash === '/'
    const isWhole = rest.endsWith('/')
    if (tag === 'testsuite') {
      if (isEnd) suites.pop()
      else if (!isWhole) suites.push(nameIn(rest))
    } else if (tag === 'testcase') {
      if (!isEnd && nameIn(rest) !== '') open = { name: [...suites.filter((name) => name !== ''), nameIn(rest)].join(' > '), outcome: 'passed' }
      if (open !== undefined && (isEnd || isWhole)) {
        yield [open.name, open.outcome]
        open = undefined
      }
    } else if (open !== undefined && !isEnd) open.outcome = tag === 'skipped' ? 'skipped' : 'failed'
  }
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function nameIn(attributes: string): string {
  const [, name = ''] = /\sname="([^"]*)"/.exec(attributes) ?? []
  return name.replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => entities[entity] ?? '')
}

const goOutcomes: Readonly<Record<string, Outcome>> = { pass: 'passed', fail: 'failed', skip: 'skipped' }

/** `go test -json`: an event in each line (test2json). */
export const readGo: Reader = (text) => collected(goEvents(text))

function* goEvents(text: string): Generator<readonly [string, Outcome]> {
  for (const line of text.split('\n').filter((one) => one.startsWith('{'))) {
    const { Action, Package, Test } = JSON.parse(line) as { Action: string; Package: string; Test?: string }
    const outcome = goOutcomes[Action]
    if (outcome !== undefined && Test !== undefined) yield [`${Package}.${Test}`, outcome]
  }
}

/** The Test Anything Protocol of several programs, the name of each in a line `# program: NAME` before what it says. */
export const readTap: Reader = (text) => collected(tapLines(text))

function* tapLines(text: string): Generator<readonly [string, Outcome]> {
  let program = ''
  for (const line of text.split('\n')) {
    program = /^# program: (.*)$/.exec(line)?.[1] ?? program
    if (/^1\.\.0 # SKIP\b/i.test(line)) yield [program, 'skipped']
    const told = /^(not )?ok \d+(?: -)?(.*?)(?: # (skip|todo)\b(.*))?$/i.exec(line)
    if (told === null) continue
    const [, not, name = '', directive, reason = ''] = told
    // A test that is known to fail (TODO) did what was expected of it.
    const outcome = directive?.toLowerCase() === 'skip' ? 'skipped' : not === undefined || directive !== undefined ? 'passed' : 'failed'
    // git has the name of a skipped one behind the directive, and what was missing behind that.
    yield [`${program}: ${(name.trim() === '' ? reason.replace(/ \([^()]*\)$/, '') : name).trim()}`, outcome]
  }
}

const automakeOutcomes: Readonly<Record<string, Outcome>> = { PASS: 'passed', XFAIL: 'passed', FAIL: 'failed', XPASS: 'failed', ERROR: 'failed', SKIP: 'skipped' }

/** A line for each of Automake's tests: `PASS: tests/misc/echo.sh`. */
export const readAutomake: Reader = (text) => collected(automakeLines(text))

function* automakeLines(text: string): Generator<readonly [string, Outcome]> {
  for (const [, word = '', name = ''] of text.matchAll(/^(PASS|XFAIL|FAIL|XPASS|ERROR|SKIP): (\S+)$/gm)) yield [name, automakeOutcomes[word] ?? 'failed']
}

/** What test/real/projects/junit writes. */
export const readWords: Reader = (text) => collected(wordLines(text))

function* wordLines(text: string): Generator<readonly [string, Outcome]> {
  for (const [, outcome = '', name = ''] of text.matchAll(/^TEST (passed|failed|skipped) (.+)$/gm)) yield [name, outcome as Outcome]
}
