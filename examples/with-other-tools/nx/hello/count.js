const { writeFileSync } = require('node:fs')

writeFileSync('dist/hello/count.txt', `${require('../dist/words/words.json').length}\n`)
