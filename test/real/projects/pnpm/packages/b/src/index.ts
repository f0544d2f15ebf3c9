import { made } from 'a'

declare const console: { log(text: string): void }
console.log(made)
