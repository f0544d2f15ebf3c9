// `npm run bench`: the comparison for the system it runs on. `--quick` takes fewer samples, `--no-bars` only prints.
await import(process.platform === 'freebsd' ? './freebsd.mjs' : './linux.mjs')
