import type { Files } from '../../src/platform/files.ts';

/** What stands for the end of a process. */
export class Died extends Error {}

/** Files that fail for good after a number of changes, as a process that is killed between two of them. */
export function dyingFiles(files: Files, allowedChanges: number): Files {
  let changes = 0;
  const until = <A extends unknown[], R>(change: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      changes += 1;
      if (changes > allowedChanges) throw new Died('killed here');
      return change(...args);
    };
  };
  return {
    ...files,
    rename: until(files.rename),
    makeDirectory: until(files.makeDirectory),
    create: until(files.create),
    remove: until(files.remove),
    link: until(files.link),
    setMode: until(files.setMode),
  };
}
