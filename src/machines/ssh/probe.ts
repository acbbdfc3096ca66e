import { OutsideError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';

/** What the scripts of this folder call, and `tar` and `setsid`, without which nothing is deployed. */
const PROGRAMS = [
  ...['base64', 'cat', 'chmod', 'chown', 'cp', 'date', 'dd', 'env', 'head', 'ln', 'ls', 'mkdir', 'mktemp', 'mv', 'od'],
  ...['readlink', 'realpath', 'rm', 'setsid', 'stat', 'sync', 'tar', 'touch', 'tr', 'truncate'],
] as const;

/** What a login on the server has: PATH, HOME and, where they are set, LANG and TZ. */
export type LoginEnvironment = Readonly<Record<string, string>>;

/**
 * Connects, looks for every program that is needed there and reads the login's environment, with one question. Throws
 * OutsideError `programs-missing`, which names all that are missing.
 */
export async function probe(connection: Connection, programs: readonly string[] = PROGRAMS): Promise<LoginEnvironment> {
  const script = `printf '%s\\0' "$PATH" "$HOME" "\${LANG-}" "\${TZ-}"
for name in ${programs.join(' ')}; do command -v "$name" >/dev/null || printf '%s\\0' "$name"; done`;
  const { stdout } = await connection.ask(script);
  const [PATH = '', HOME = '', LANG = '', TZ = '', ...missing] = stdout.toString().split('\0').slice(0, -1);
  if (missing.length > 0) {
    const one = missing.length === 1;
    throw new OutsideError(
      'programs-missing',
      `${connection.host} lacks ${one ? 'a program that is' : 'programs that are'} needed there: ${missing.join(', ')}`,
      { hint: 'Install them (on Debian they are in the packages coreutils, tar and util-linux).' },
    );
  }
  return { PATH, HOME, ...(LANG === '' ? {} : { LANG }), ...(TZ === '' ? {} : { TZ }) };
}
