import { formatBytes } from '../core/bytes.ts';

/** How far a step is; a total of 0 is one that is not known. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly unit: string;
}

/** `12.4 MB of 24.8 MB`, `3 of 5 checks`, `7 rows` when the total is not known. */
export function describeProgress({ done, total, unit }: Progress): string {
  const isSize = unit === 'bytes' || unit === 'B';
  const amount = isSize ? formatBytes : String;
  const counted = total > 0 ? `${amount(done)} of ${amount(total)}` : amount(done);
  return isSize ? counted : `${counted} ${unit}`.trimEnd();
}
