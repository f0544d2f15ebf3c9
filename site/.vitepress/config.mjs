import { defineConfig } from 'vitepress'

const pagesOf = (folder, pages) => pages.map(([text, name]) => ({ text, link: `/docs/${folder}${name}` }))

// Of the pages of the repository as they are: build.mjs puts copies of them into pages/.
export default defineConfig({
  title: 'buildjail',
  description: 'Builds that see what they declared and nothing else, from Node: a thin jail each on FreeBSD, namespaces on Linux.',
  srcDir: 'pages',
  rewrites: { 'README.md': 'index.md', 'docs/README.md': 'docs/index.md' },
  outDir: 'dist',
  cleanUrls: true,
  lastUpdated: false,
  // Links to files that are no pages are checked by test/unit/pages.test.ts.
  ignoreDeadLinks: [(link) => !/(?:\.md|\/|index)$/.test(link) && /\.\w+$/.test(link)],
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/docs/' },
      { text: 'Reference', link: '/docs/reference/spec' },
      { text: 'Security', link: '/docs/security' },
    ],
    sidebar: [
      { text: 'Start', items: [{ text: 'In five minutes', link: '/' }, ...pagesOf('', [['What your build sees', 'what-your-build-sees']])] },
      {
        text: 'Guide',
        items: pagesOf('guide/', [
          ['The project that you are in', 'here'],
          ['Sessions and commands', 'sessions'],
          ['A Node project', 'node-project'],
          ['With other tools', 'with-other-tools'],
          ['Tests on localhost', 'localhost'],
          ['A network of names', 'network-of-names'],
          ['What a build looks up', 'trace'],
          ['Git and Python', 'git-and-python'],
          ['A tool like make', 'make-like'],
          ['A build daemon', 'build-daemon'],
          ['macOS and Windows', 'macos-and-windows'],
          ['CI in a container', 'ci'],
          ['A build farm', 'build-farm'],
          ['Limits', 'limits'],
          ['Many builds', 'many-builds'],
          ['When something fails', 'failures'],
          ['Looking at a run', 'looking'],
          ['Is my build reproducible?', 'reproducible'],
          ['Which inputs does my build need?', 'learning'],
          ['A cache that cannot be wrong', 'cache'],
          ['Events', 'events'],
          ['What a session costs', 'costs'],
        ]),
      },
      {
        text: "FreeBSD's system calls",
        items: pagesOf('freebsd/', [
          ['Jails, mounts and limits', 'calls'],
          ['Tests in five minutes', 'tests'],
          ['Conformance', 'conformance'],
          ["FreeBSD's own tests", 'in-tree-tests'],
        ]),
      },
      { text: 'Packages beside it', items: pagesOf('', [['Many machines', 'scale-out'], ['Derivations', 'derivation']]) },
      {
        text: 'Coming from',
        items: pagesOf('guide/', [
          ['bubblewrap', 'from-bwrap'],
          ['jail, mount_nullfs, jexec', 'from-jail-scripts'],
          ['Nix, Guix, poudriere', 'from-nix-and-poudriere'],
        ]),
      },
      {
        text: 'Reference',
        items: pagesOf('reference/', [
          ['Spec', 'spec'],
          ['Sessions', 'sessions'],
          ['Running commands', 'commands'],
          ['Results', 'results'],
          ['Errors', 'errors'],
          ['Events', 'events'],
          ['Records', 'records'],
          ['The host', 'host'],
          ['The command line', 'command-line'],
          ['buildjail/freebsd', 'freebsd'],
          ['buildjail/freebsd/fixtures', 'freebsd-fixtures'],
          ['buildjail/freebsd/vitest', 'freebsd-vitest'],
        ]),
      },
      {
        text: 'How it is made',
        items: [
          ...pagesOf('', [['Security', 'security'], ['What sessions share', 'shared-counts'], ['Software', 'software'], ['Design', 'design'], ['Performance', 'performance'], ['Tests', 'testing']]),
          { text: 'Contributing', link: '/CONTRIBUTING' },
        ],
      },
    ],
  },
})
