export const say = (name) => `hello ${name}`
