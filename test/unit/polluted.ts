/** Does something while every object inherits these members, accessors among them: as after a merge of JSON with a `__proto__` in it. */
export async function whilePolluted<T>(members: Readonly<Record<string, unknown>>, act: () => T): Promise<Awaited<T>> {
  const shared = Object.getPrototypeOf({}) as object
  try {
    Object.defineProperties(shared, Object.getOwnPropertyDescriptors(members))
    return await act()
  } finally {
    for (const name of Object.keys(members)) Reflect.deleteProperty(shared, name)
  }
}
