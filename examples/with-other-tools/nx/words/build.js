const { readFileSync, writeFileSync } = require('node:fs')

writeFileSync('dist/words/words.json', JSON.stringify(readFileSync('words/words.txt', 'utf8').trim().split('\n')))
