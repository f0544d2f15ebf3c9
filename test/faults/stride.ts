import { isFreebsd } from '../session/kernel.ts'

/** Of how many cases one is played: all of them, unless `BUILDJAIL_FAULT_STRIDE` says otherwise, as for a change it does. */
export const stride = Number(process.env['BUILDJAIL_FAULT_STRIDE'] ?? 1)

/** The same where each case is a host program of its own, which takes its time to begin on an emulated machine. */
export const programStride: number = Math.max(stride, isFreebsd ? 16 : 1)
