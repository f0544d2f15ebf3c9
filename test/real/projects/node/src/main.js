import { say } from './say.js'; document.body.textContent = say('there')
