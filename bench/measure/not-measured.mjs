/** Something this machine cannot show. It is told, and what depends on it does not hold. */
export class NotMeasured extends Error {}
