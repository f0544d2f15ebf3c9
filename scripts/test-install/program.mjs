// The first program that the README has, for a place without a compiler: a command of one's own instead.
export const program = `import { openSession } from 'buildjail'
const session = await openSession({ inputs: { src: '.' }, output: './out' })
try {
  const { stdout } = await session.run(['sh', '-c', 'cat /inputs/src/package.json > /output/copy && echo built'], { timeout: 60_000 })
  console.log(stdout)
} finally {
  await session.close()
}
`

/** Milliseconds that installing may take. */
export const mostTime = 10_000
