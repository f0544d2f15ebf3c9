// A graph to show it with. All builders are the system's own sh, with what is in /bin and /usr/bin.
import { createHash } from 'node:crypto'

import { ownSystem } from '../src/realise.ts'
import type { Store } from '../src/store.ts'
import { Definitions, outOf as out, type Defined, type Definition } from './define.ts'

const greeting = 'Hello from a fixed output.\n'

/** The hash of the NAR of a folder with one file `greeting` in it, which holds `greeting`. */
const treeHash = 'fd9f0a7776d0c9ddbd105841b451200f5aa7028653d3cc46a623e00c0507a0a3'

export async function sampleGraph(store: Store, system: string = ownSystem): Promise<Readonly<Record<'words' | 'greet' | 'link' | 'pair' | 'flat' | 'tree' | 'report', Defined>>> {
  const definitions = new Definitions(store)
  const define = (name: string, script: string, more: Partial<Definition> = {}): Promise<Defined> =>
    definitions.define({ name, system, builder: '/bin/sh', args: ['-e', '-c', script], ...more, env: { PATH: '/bin:/usr/bin', ...more.env } })

  // A file, made with sh alone.
  const words = await define('words', String.raw`printf 'one\ntwo\nthree\n' > $out`)
  // A folder with a program in it, which refers to the file.
  const greet = await define('greet', String.raw`mkdir -p $out/bin
printf '#!/bin/sh\nexec cat %s\n' $words > $out/bin/greet
chmod 700 $out/bin/greet`, { inputs: [words], env: { words: out(words) } })
  // A link.
  const link = await define('link', 'ln -s $words $out', { inputs: [words], env: { words: out(words) } })
  // Two outputs: a folder that refers to another folder, and that one.
  const pair = await define('pair', String.raw`mkdir $out $doc
printf 'read me\n' > $doc/README
printf '%s\n' $doc > $out/doc
ln $out/doc $out/same`, { outputs: ['out', 'doc'] })
  // What is known before: a file, and a tree.
  const flat = await define('flat', `printf %s "$text" > $out`, {
    fixed: { method: 'sha256', hash: createHash('sha256').update(greeting).digest('hex') }, env: { text: greeting },
  })
  const tree = await define('tree', `mkdir $out; cp $flat $out/greeting`, {
    fixed: { method: 'r:sha256', hash: treeHash }, inputs: [flat], env: { flat: out(flat) },
  })
  // All of it, put together by a script that is in the store itself.
  const script = await store.addText('report.sh', String.raw`set -e
mkdir $out
$greet/bin/greet > $out/greeted
cat $link $pair/doc $doc/README $tree/greeting > $out/read
ls -a "$NIX_STORE" | grep -v '^\.' > $out/store
mkdir $out/empty
ln -s ../read $out/empty/up
`)
  const report = await definitions.define({
    name: 'report', system, builder: '/bin/sh', args: [script], sources: [script], inputs: [greet, link, pair, tree],
    env: { PATH: '/bin:/usr/bin', greet: out(greet), link: out(link), pair: out(pair), doc: pair.outputs['doc'] ?? '', tree: out(tree) },
  })
  return { words, greet, link, pair, flat, tree, report }
}
