import { randomBytes } from 'node:crypto';

/** Chance. Tests pass one that counts. */
export interface Random {
  /** `bytes` random bytes as lower-case hexadecimal text. */
  hex(bytes: number): string;
}

export function systemRandom(): Random {
  return { hex: (bytes) => randomBytes(bytes).toString('hex') };
}
