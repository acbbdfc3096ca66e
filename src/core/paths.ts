/** True when `path` is `folder` or below it. Both are written the same way: normalised, without a slash at their end. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
