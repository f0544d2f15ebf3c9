export const pageOf = () => ''
