const { existsSync, writeFileSync } = require('node:fs')

const words = require('../dist/words/words.json')
console.log(`other is ${existsSync('other') ? 'seen' : 'not there'}`)
writeFileSync('dist/hello/hello.txt', `${words.join(', ')}\n`)
