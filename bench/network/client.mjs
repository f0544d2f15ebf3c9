// `client.mjs HOST PORT COUNT`: connects that often, one time after the other, and reads all. Tells how many milliseconds each took, and the bytes.
import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'

const [host, port, count] = process.argv.slice(2)
const { address } = await lookup(host, { family: 4 })

function read() {
  return new Promise((resolve, reject) => {
    let bytes = 0
    const began = performance.now()
    // Into one buffer: what a program does with the bytes is not measured.
    const onread = { buffer: Buffer.alloc(1 << 20), callback: (got) => ((bytes += got), true) }
    connect({ host: address, port: Number(port), onread })
      .once('error', reject)
      .once('close', () => resolve([performance.now() - began, bytes]))
  })
}

const all = []
for (let left = Number(count); left > 0; left -= 1) all.push(await read())
console.log(JSON.stringify(all))
