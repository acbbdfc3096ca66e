import { describe, expect, it } from '@jest/globals';
import { formatBytes } from '../../src/core/bytes.ts';

describe('formatBytes', () => {
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1.0 kB'],
    [1_482_903, '1.5 MB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [12e9, '12.0 GB'],
    [5e18, '5000.0 PB'],
  ])('of %d is "%s"', (sizeBytes, text) => {
    expect(formatBytes(sizeBytes)).toBe(text);
  });
});
