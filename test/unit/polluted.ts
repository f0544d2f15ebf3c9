/** Does something while every object inherits these members, as after a merge of JSON with a `__proto__` in it. */
export async function whilePolluted<T>(members: Readonly<Record<string, unknown>>, act: () => T): Promise<Awaited<T>> {
  const shared = Object.getPrototypeOf({}) as object
  try {
    Object.assign(shared, members)
    return await act()
  } finally {
    for (const name of Object.keys(members)) Reflect.deleteProperty(shared, name)
  }
}
