import { z } from 'zod';

/** Names of services, environments, checks, state: they become folders, variables and ids. */
export const Name = z
  .string()
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, {
    error: 'expected a name of lower-case letters, digits and single dashes, like "api" or "document-worker"',
  })
  .max(40);

/** A version as the user names it: a tag, a commit, a number. */
export const Version = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/, {
  error: 'expected 1 to 128 letters, digits, ".", "_", "+" or "-", beginning with a letter or digit',
});

/** `b-20261122T101500-4f2a`. */
export const BackupId = z.string().regex(/^b-\d{8}T\d{6}-[0-9a-f]{4}$/);

/** An id that sorts by time: prefix, second, four hexadecimal digits of chance. `now` in milliseconds. */
export function timedId(prefix: string, now: number, chance: string): string {
  const stamp = new Date(now).toISOString().replace(/[-:]/g, '').slice(0, 15);
  return `${prefix}-${stamp}-${chance.slice(0, 4)}`;
}

/** `document-worker` as part of a variable's name: `DOCUMENT_WORKER`. */
export function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
