export const made: string = 'made by pnpm'
