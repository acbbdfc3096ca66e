import { OutsideError } from '../core/errors.ts';

/** Throws `structure-differs` when a restored structure is not the one that was noted. */
export function assertSameStructure(name: string, actual: string | undefined, expected: string | undefined): void {
  if (actual === expected) return;
  throw new OutsideError('structure-differs', `the structure of ${name} is not the one that the backup noted`, {
    hint: 'Something changed the structure while the backup was taken, or the copy is incomplete; take it again.',
  });
}
