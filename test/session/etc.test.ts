import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { build, openSession, SessionPool, type Session, type Spec } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const isRoot = process.geteuid?.() === 0

/** Why a test of programs is not run, where the host lacks one of them. */
function missing(...commands: readonly (readonly string[])[]): string | undefined {
  const lacking = commands.filter(([program = '', ...words]) => spawnSync(program, words).status !== 0)
  return lacking.length === 0 ? undefined : `skipped: ${lacking.map((words) => words.join(' ')).join(', ')} does not work on this host`
}

describeSession('/etc of a session', () => {
  const folders = useFolders()
  let session: Session
  beforeAll(async () => {
    session = await openSession({ toolchain: ['host', 'node'] })
  })
  afterAll(() => session.close())
  const sh = async (script: string, of: Session = session): Promise<string> => {
    const { stdout, stderr, exitCode } = await of.run(['sh', '-c', script], { reject: false })
    return exitCode === 0 ? stdout.trimEnd() : `status ${exitCode}: ${stdout}${stderr}`
  }
  const shIn = async (spec: Spec, script: string): Promise<string> => {
    await using own = await openSession(spec)
    return await sh(script, own)
  }

  test('id and whoami know the build user by name', async () => {
    expect(await sh('whoami; id -un; id -gn')).toBe('build\nbuild\nbuild')
    // From FreeBSD 15 on the list of groups is without the effective one (getgroups(2)).
    expect(await sh('id')).toMatch(/^uid=350\d\d\(build\) gid=35001\(build\)( groups=35001\(build\))?$/)
  })

  test('os.userInfo() is who the build is', async () => {
    const { stdout } = await session.run([process.execPath, '-e', 'console.log(JSON.stringify(require("os").userInfo()))'])
    // Bun looks up no user, but takes USER and SHELL for it.
    const looked = process.versions['bun'] === undefined ? { username: 'build', shell: '/bin/sh' } : {}
    expect(JSON.parse(stdout)).toMatchObject({ ...looked, gid: 35001, homedir: '/tmp' })
    expect(String((JSON.parse(stdout) as { uid: number }).uid)).toBe(await sh('id -u'))
  })

  test.each<[string, Spec['user'], string]>([
    ['root', 'root', isFreebsd ? 'root wheel' : 'root root'],
    ['a user of its own', { uid: 4711, gid: 4712 }, 'build build'],
  ])('names %s', async (_, user, names) => {
    expect(await shIn({ ...(user !== undefined && { user }) }, 'echo $(id -un) $(id -gn)')).toBe(names)
  })

  test.runIf(isRoot)('names every group of a user who has several', async () => {
    expect(await shIn({ user: { uid: 4711, gid: 4712, groups: [4713] } }, '(id -gn; id -Gn | tr " " "\\n") | sort -u | tr "\\n" " "')).toBe('build group4713')
  })

  test('a user is found by name and by number, and only the owners of system files are there beside it', async () => {
    expect(await sh('id -u nobody; id -un 65534; id -u root; id -un 0')).toBe('65534\nnobody\n0\nroot')
    expect(await sh('id -u daemon; id -un 1')).toBe('1\ndaemon')
    expect(await sh('id mail')).toMatch(/^status 1/)
    expect(await sh('cut -d: -f1 /etc/passwd')).toBe('root\nbuild\ndaemon\nbin\nnobody')
    expect(await sh('ls ~build >/dev/null && cd ~build && pwd')).toBe('/tmp')
  })

  test('each of two sessions that are open together knows its own user', async () => {
    await using other = await openSession({})
    const [one, two] = [await sh('id -un; id -u'), await sh('id -un; id -u', other)]
    expect([one.split('\n')[0], two.split('\n')[0]]).toEqual(['build', 'build'])
    expect(one === two).toBe(!isFreebsd)
  })

  test('localhost and the name of the session are found without a network', async (context) => {
    const why = missing(['getent', 'passwd', 'root'])
    context.skip(why !== undefined, why)
    const address = /^(127\.0\.0\.1|::1)\s/
    expect(await sh('getent hosts localhost')).toMatch(address)
    expect(await sh('getent hosts $(hostname)')).toMatch(address)
    expect(await sh('getent services imaps/udp || echo none')).toBe('none')
    expect(await sh('getent services https; getent protocols tcp; getent passwd build')).toMatch(/^https +443\/tcp\ntcp +6 +TCP\nbuild:[*x]:350\d\d:35001:/)
  })

  test.runIf(!isFreebsd)('mount points are found by /etc/mtab', async () => {
    expect(await sh('grep -c "^[^ ]* /tmp " /etc/mtab')).toBe('1')
  })

  test('it is UTC, by /etc/localtime too', async () => {
    expect(await sh('date +%Z')).toBe('UTC')
    const { stdout } = await session.run([process.execPath, '-e', 'console.log(Intl.DateTimeFormat().resolvedOptions().timeZone, new Date(0).getTimezoneOffset())'])
    expect(stdout).toMatch(/UTC 0$/)
    const zones = await sh('ls /usr/share/zoneinfo/Asia/Tokyo >/dev/null 2>&1 && TZ=Asia/Tokyo date -r /etc/hosts +%Z || echo none')
    expect(['JST', 'none']).toContain(zones)
    if (existsSync('/usr/share/zoneinfo/Asia/Tokyo')) expect(zones).toBe('JST')
  })

  test.runIf(existsSync('/etc/ssl/certs'))('the certificates of the host are there, and its keys are not', async () => {
    expect(await sh('ls /etc/ssl/certs | wc -l | tr -d " "')).toBe(spawnSync('sh', ['-c', 'ls /etc/ssl/certs | wc -l | tr -d " "'], { encoding: 'utf8' }).stdout.trimEnd())
    expect(await sh('ls /etc/ssl/private')).toMatch(/^status [12]/)
    expect(await shIn({ toolchain: ['host'], etc: 'none' }, 'ls /etc/ssl')).toMatch(/^status [12]/)
  })

  // promise: 1
  test('nothing of the host is in it that was not named', async () => {
    const ours = ['gitconfig', 'group', 'hosts', 'localtime', 'nsswitch.conf', 'passwd', 'protocols', 'services', 'shells', ...(isFreebsd ? ['pwd.db'] : ['mtab'])]
    const ofHost = ['alternatives', 'ca-certificates', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'ld-musl-x86_64.path', 'ld-musl-aarch64.path', 'pki', 'ssl']
    const names = (await sh('ls -A /etc')).split('\n')
    expect(names).toEqual(expect.arrayContaining(ours))
    expect(names.filter((name) => ![...ours, ...ofHost].includes(name) && !name.startsWith('java'))).toEqual([])
  })

  // promise: 14
  test.each(['a build', 'root'] as const)('%s changes nothing in it', async (who) => {
    const script = 'cd /etc; for one in passwd hosts new; do echo x >> $one; done; rm -f group; chmod 777 shells; mv passwd other; mkdir folder; ls folder new other'
    const before = 'ls -lA /etc; cat /etc/passwd /etc/hosts'
    await using own = await openSession(who === 'root' ? { user: 'root' } : {})
    const seen = await sh(before, own)
    await own.run(['sh', '-c', script], { reject: false })
    expect(await sh(before, own)).toBe(seen)
    await using later = await openSession(who === 'root' ? { user: 'root' } : {})
    expect((await sh('cat /etc/passwd /etc/hosts', later)).length).toBe((await sh('cat /etc/passwd /etc/hosts', own)).length)
  })

  test("is not there with 'none'", async () => {
    expect(await shIn({ etc: 'none' }, 'cat /etc/passwd')).toMatch(/^status 1/)
    expect(await shIn({ etc: 'none' }, 'id -un')).toMatch(/^status 1|^350\d\d$/)
  })

  test('has texts of the spec, and an input in the place of its own file', async () => {
    const hosts = path.join(folders.input, 'hosts')
    writeFileSync(hosts, '127.0.0.1 mine\n')
    const etc = { '/etc/motd': 'hello\n', '/etc/opt/tool.conf': 'a=ö\n', '/etc/shells': '' }
    await using own = await openSession({ etc, inputs: { '/etc/hosts': hosts } })
    expect(await sh('cat /etc/motd /etc/opt/tool.conf /etc/shells /etc/hosts; ls -l /etc/motd | cut -c 1-10', own)).toBe('hello\na=ö\n127.0.0.1 mine\n-rw-r--r--')
    expect(await sh('id -un', own)).toBe('build')
  })

  test('knows the users of a passwd file of the spec, in which the build user has its number filled in', async () => {
    const etc = { '/etc/passwd': `# ours\nroot:*:0:0:root:/:/bin/sh\nmaker:*::35001:who makes:/tmp/home:/bin/sh\nno entry\n${Array.from({ length: 300 }, (_, index) => `user${index}:*:${1000 + index}:5:${'g'.repeat(index)}:/home:/bin/sh\n`).join('')}` }
    await using own = await openSession({ etc })
    expect(await sh('id -un; id -u user299; id -un 1150; echo ~user7; echo ~maker', own)).toBe('maker\n1299\nuser150\n/home\n/tmp/home')
    expect(await sh('id -u "no entry"', own)).toMatch(/^status 1/)
  })

  // On FreeBSD the C library reads entries from a database, whose pages are shorter than this one.
  test('knows a user whose entry is long', async () => {
    const etc = { '/etc/passwd': `long:*::35001:${'g'.repeat(9000)}:/tmp/long:/bin/sh\nother:*:7:7::/tmp/other:/bin/sh\n` }
    await using own = await openSession({ etc })
    expect(await sh('id -un; id -u other; echo ~long ~other', own)).toBe('long\n7\n/tmp/long /tmp/other')
  })

  test.runIf(isRoot)('is the same in a pool, to which a build adds an input in the place of a file', async () => {
    const hosts = path.join(folders.input, 'hosts')
    writeFileSync(hosts, '127.0.0.1 added\n')
    await using pool = await SessionPool.open({}, { size: 1 })
    const added = await pool.run({ inputs: { '/etc/hosts': hosts } }, ['sh', '-c', 'whoami; cat /etc/hosts'])
    expect(added.stdout).toBe('build\n127.0.0.1 added')
    expect((await pool.run({}, ['sh', '-c', 'whoami; cat /etc/hosts'])).stdout).toMatch(/^build\n127\.0\.0\.1 localhost build\n/)
  })

  test.runIf(existsSync('/etc/resolv.conf'))("comes with the host's resolver, hosts and services where the network does", async () => {
    await using own = await openSession({ network: 'host' })
    for (const file of ['/etc/resolv.conf', '/etc/hosts', '/etc/services'].filter((one) => existsSync(one))) {
      expect(await sh(`cat ${file} | cksum`, own), file).toBe(spawnSync('sh', ['-c', `cat ${file} | cksum`], { encoding: 'utf8' }).stdout.trimEnd())
    }
    expect(await sh('cat /etc/resolv.conf')).toMatch(/^status 1/)
    const { mounts } = await own.record()
    expect(mounts.filter(({ on }) => on.endsWith('/etc/resolv.conf'))).toMatchObject([{ flags: expect.arrayContaining(['ro']) as string[] }])
  })

  describe('programs that ask who they are', () => {
    test('git makes a repository, commits and shows it', async (context) => {
      const why = missing(['git', '--version'])
      context.skip(why !== undefined, why)
      const script = 'cd /tmp && git init -q project && cd project && echo x > x && git add x && git -c user.email=b@example.org commit -qm first && git log --format="%an %s"'
      expect(await sh(script)).toBe('build user first')
    })

    // Root's builds are not their caller, and nobody's are who made this.
    test('git takes a repository that is an input, whoever has made it', async (context) => {
      const why = missing(['git', '--version'])
      context.skip(why !== undefined, why)
      const project = path.join(folders.top, 'project')
      const git = (...words: string[]): unknown =>
        execFileSync('git', ['-C', project, '-c', 'user.name=n', '-c', 'user.email=n@example.org', ...words], { env: { PATH: process.env['PATH'], HOME: folders.top } })
      mkdirSync(project)
      git('init', '-q')
      git('commit', '-q', '--allow-empty', '-m', 'first')
      const spec: Spec = { inputs: { '/w': project }, cwd: '/w' }
      for (const user of [undefined, 'root', { uid: 4711, gid: 4712 }] as const) {
        expect(await shIn({ ...spec, ...(user !== undefined && { user }) }, 'git log --format=%s && git status --porcelain && git clone -q . /tmp/clone && git -C /tmp/clone log --format=%s')).toBe('first\nfirst')
      }
    })

    test('tar keeps the names of owners', async () => {
      // On FreeBSD a file has the group of its folder (open(2)).
      expect(await sh('cd /tmp && echo x > packed && tar cf packed.tar packed && tar tvf packed.tar')).toMatch(/ build[/ ]+(build|wheel) +/)
    })

    test('ssh-keygen makes a key', async (context) => {
      const why = missing(['sh', '-c', 'command -v ssh-keygen'])
      context.skip(why !== undefined, why)
      expect(await sh("ssh-keygen -q -t ed25519 -N '' -f /tmp/key && cut -d' ' -f3 /tmp/key.pub")).toBe('build@build')
    })

    test('Python makes a virtual environment, and getpass.getuser() knows the user', async (context) => {
      const why = missing(['python3', '-c', 'import venv, ensurepip'])
      context.skip(why !== undefined, why)
      expect(await sh('python3 -c "import getpass; print(getpass.getuser())"')).toBe('build')
      expect(await sh('python3 -m venv /tmp/venv && /tmp/venv/bin/pip --version | cut -d" " -f1')).toBe('pip')
    }, 120_000)
  })

  test('a build of one command has it too', async () => {
    expect((await build({}, ['whoami'])).stdout).toBe('build')
  })
})
