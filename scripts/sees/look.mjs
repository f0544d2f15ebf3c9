// What a session with an empty spec has, as its own commands see it. What differs from host to host is left out or said in words.
const isFreebsd = process.platform === 'freebsd'

/**
 * @typedef {object} Part of the document
 * @property {string} title
 * @property {readonly [string, string]} head
 * @property {readonly (readonly [string, string])[]} rows
 */

/**
 * @param {Pick<typeof import('../../src/index.ts'), 'openSession' | 'planOf'>} buildjail as a test has it, or a program
 * @returns {Promise<readonly Part[]>}
 */
export async function look({ openSession, planOf }) {
  const session = await openSession({})
  try {
    const ask = async (script) => (await session.run(['sh', '-c', script])).stdout.trim()
    return [await paths(ask), await user(ask), await variables(ask), await network(ask, session), await limits(ask, planOf({}))]
  } finally {
    await session.close()
  }
}

const words = (text) => text.split(/\s+/).filter((word) => word !== '')
const code = (text) => `\`${text}\``
const codes = (names) => names.map(code).join(' ')
/** Of a merged or unmerged system, and of one with certificates or without. */
const ofToolchain = /^\/(usr|bin|sbin|lib|lib32|lib64|libx32|libexec)$/
const ofHost = ['alternatives', 'ca-certificates', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'ld-musl-x86_64.path', 'ld-musl-aarch64.path', 'pki', 'ssl']
const numbered = /^(pts\/)?\d+$/

/** @returns {Promise<Part>} */
async function paths(ask) {
  const access = async (path) => `${await ask(`test -w ${path} && echo writable || echo read-only`)}, mode ${await ask(isFreebsd ? `stat -f %Mp%Lp ${path}` : `stat -c %a ${path}`)}`
  const names = async (path) => words(await ask(`ls -A ${path}`)).sort()
  const top = (await names('/')).map((name) => `/${name}`).filter((path) => !ofToolchain.test(path))
  const rows = [['/', `${await access('/')}; ${codes(top)} and the toolchain`]]
  for (const path of top) {
    const inside = await names(path)
    const listed = { '/etc': inside.filter((name) => !ofHost.includes(name) && !name.startsWith('java')), '/dev': inside.filter((name) => !numbered.test(name)), '/tmp': inside }[path]
    const content = listed === undefined ? '' : listed.length === 0 ? '; empty' : `; ${codes(listed)}`
    rows.push([path, `${await access(path)}${content}${about[path] ?? ''}`])
    if (path === '/dev') for (const below of ['shm', 'pts'].filter(() => !isFreebsd)) if (inside.includes(below)) rows.push([`/dev/${below}`, await access(`/dev/${below}`)])
  }
  const hidden = isFreebsd ? [] : ['/proc/1', '/sys', '/run', '/var', '/home', '/root']
  for (const path of hidden) rows.push([path, await ask(`ls -d ${path} >/dev/null 2>&1 && echo there || echo "not there"`)])
  rows.push(['the toolchain', `read-only, as the host has it: ${toolchain}`])
  return { title: 'Paths', head: ['path', 'what is there'], rows: rows.map(([path, what]) => [path.startsWith('/') ? code(path) : path, what]) }
}

const about = {
  '/etc': isFreebsd ? ', and the certificates of the host in `ssl`, where it has them' : ', what the toolchain has in `/etc`, and the certificates of the host, where it has them',
  '/tmp': '; in memory, half of the memory at most and 2 GiB at most',
  '/proc': '; shows the processes of the session only, nothing of the host\'s keys and timers and of what is in its memory, and many figures of the whole machine ([security.md](security.md#knowledge-of-the-host))',
}
const toolchain = isFreebsd
  ? codes(['/bin', '/lib', '/libexec', '/usr/bin', '/usr/include', '/usr/lib', '/usr/libdata', '/usr/libexec', '/usr/share/certs', '/usr/share/mk', '/usr/share/zoneinfo'])
  : `${codes(['/usr'])}, whichever of ${codes(['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'])} there is, and in ${codes(['/etc'])} the settings of the dynamic linker and of Java, and the alternatives`

/** @returns {Promise<Part>} */
async function user(ask) {
  const uid = await ask('id -u')
  const gid = await ask('id -g')
  // From FreeBSD 15 on the list is without the effective one (getgroups(2)).
  const others = words(await ask('id -G')).filter((group) => group !== gid)
  return {
    title: 'User',
    head: ['what', 'value'],
    rows: [
      ['name, group', `${code(await ask('id -un'))}, ${code(await ask('id -gn'))}`],
      ['uid', isFreebsd && Number(uid) >= 35001 && Number(uid) < 35065 ? 'one of 35001 to 35064, which no other live session has' : uid],
      ['gid, other groups', `${gid}, ${others.length === 0 ? 'none' : others.join(' ')}`],
      ['home, shell', `${code(await ask('echo ~build'))}, ${code('/bin/sh')}`],
      ['users and groups by name', `${codes(words(await ask('cut -d: -f1 /etc/passwd')))}; ${codes(words(await ask('cut -d: -f1 /etc/group')))}`],
      ['files of the host', `are shown as ${isFreebsd ? 'whose they are' : code(await ask('stat -c %U:%G /usr'))}`],
      ['umask', await ask('umask')],
      ...(isFreebsd ? [] : [['capabilities', Number(`0x${await ask("sed -n 's/^CapEff:.//p' /proc/self/status")}`) === 0 ? 'none' : 'some']]),
      ...(isFreebsd ? [] : [['new privileges', (await ask("sed -n 's/^NoNewPrivs:.//p' /proc/self/status")) === '1' ? 'none, by no file' : 'some']]),
    ],
  }
}

/** @returns {Promise<Part>} */
async function variables(ask) {
  const own = /^(PWD|OLDPWD|SHLVL|_)=/
  const rows = (await ask('env')).split('\n').filter((line) => !own.test(line)).sort().map((line) => line.split(/=(.*)/s).slice(0, 2).map(code))
  return { title: 'Environment', head: ['variable', 'value'], rows }
}

/** @returns {Promise<Part>} */
async function network(ask, session) {
  const { jail } = await session.record()
  const rows = isFreebsd
    ? [['addresses', `IPv4 ${jail?.['ip4']}, IPv6 ${jail?.['ip6']}`], ['network of its own', String(jail?.['vnet'] ?? 'inherit')]]
    : [
        ['interfaces', `${codes(words(await ask("sed -n 's/^ *\\([^:]*\\):.*/\\1/p' /proc/net/dev")))}`],
        ['addresses', (await ask('cat /proc/net/fib_trie /proc/net/if_inet6')) === '' ? 'none, 127.0.0.1 and ::1 neither' : 'some'],
      ]
  return {
    title: 'Network',
    head: ['what', 'value'],
    rows: [
      ...rows,
      ['names', `${code(await ask('hostname'))} and ${code('localhost')} are ${codes(words(await ask("awk '{ print $1 }' /etc/hosts")))}`],
      ['resolver', await ask('test -e /etc/resolv.conf && echo there || echo none')],
      ['Unix sockets', 'among processes of the session'],
    ],
  }
}

/** @returns {Promise<Part>} */
async function limits(ask, { limits: asked }) {
  return {
    title: 'Limits and the rest',
    head: ['what', 'value'],
    rows: [
      ['limits', Object.keys(asked).filter((name) => name !== 'policy').length === 0 ? 'none but those of the host program' : Object.keys(asked).join(' ')],
      ['core files', (await ask('ulimit -c')) === '0' ? 'none' : 'as the host program may have'],
      ['working directory', code(await ask('pwd'))],
      ['stdin', (await ask('cat | wc -c')) === '0' ? 'empty' : 'something'],
      ['time zone', await ask('date +%Z')],
      ...(isFreebsd ? [] : [['system calls', (await ask("sed -n 's/^Seccomp:.//p' /proc/self/status")) === '2' ? 'filtered ([security.md](security.md))' : 'all']]),
      ...(isFreebsd ? [] : [['terminals', 'made by the session in `/dev/pts`, 128 at most']]),
    ],
  }
}
