import { OutsideError, UserError } from '../../core/errors.ts';

/** What the programs of the server say about a failed call of the system, in English, as the C library writes it. */
const SYSTEM_MESSAGES: Readonly<Record<string, string>> = {
  'No such file or directory': 'ENOENT',
  'Directory nonexistent': 'ENOENT',
  'Not a directory': 'ENOTDIR',
  'File exists': 'EEXIST',
  'Permission denied': 'EACCES',
  'Operation not permitted': 'EPERM',
  'Is a directory': 'EISDIR',
  'Directory not empty': 'ENOTEMPTY',
  'No space left on device': 'ENOSPC',
  'Disk quota exceeded': 'EDQUOT',
  'Invalid cross-device link': 'EXDEV',
  'Read-only file system': 'EROFS',
  'Too many levels of symbolic links': 'ELOOP',
  'File name too long': 'ENAMETOOLONG',
  'Invalid argument': 'EINVAL',
  'Device or resource busy': 'EBUSY',
  'Text file busy': 'ETXTBSY',
  'Input/output error': 'EIO',
  'Too many open files': 'EMFILE',
  'Cannot allocate memory': 'ENOMEM',
  'No such process': 'ESRCH',
};

/** A failed call of the server's system, with the code that the same call has here. */
class ServerError extends Error {
  readonly code: string;
  readonly path: string;

  constructor(code: string, path: string, message: string) {
    super(message);
    this.name = 'ServerError';
    this.code = code;
    this.path = path;
  }
}

/** What went wrong with `path`, with the system's code (`ENOENT`, …) when the programs named one and `EUNKNOWN` otherwise. */
export function serverError(host: string, doing: string, path: string, stderr: string): Error {
  const code = systemCode(stderr) ?? 'EUNKNOWN';
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return new ServerError(code, path, `${code}: ${doing} ${path} on ${host} failed: ${said}`);
}

/** An error with a code of the system that no program of the server has written. */
export function codedError(host: string, code: string, doing: string, path: string): Error {
  return new ServerError(code, path, `${code}: ${doing} ${path} on ${host} failed`);
}

/**
 * The system's code of the first line that ends in a known message. Only what follows the last `: ` counts, because the
 * names of files stand before it and may hold anything: `cat: '/a: File exists': Permission denied` → `EACCES`.
 */
export function systemCode(stderr: string): string | undefined {
  // Words that mv has of its own for what rename(2) refuses.
  if (/^mv: cannot overwrite directory .* with non-directory/s.test(stderr)) return 'EISDIR';
  if (/^mv: cannot overwrite non-directory .* with directory/s.test(stderr)) return 'ENOTDIR';
  for (const line of stderr.split('\n')) {
    const message = line.slice(line.lastIndexOf(': ') + 2).trim();
    if (Object.hasOwn(SYSTEM_MESSAGES, message)) return SYSTEM_MESSAGES[message];
  }
  return undefined;
}

/** The connection broke while something ran: what it did until then is not known. */
export function connectionLost(host: string, said: string): OutsideError {
  const why = lastLine(said);
  return new OutsideError('connection-lost', `the connection to ${host} was lost${why === '' ? '' : `: ${why}`}`, {
    hint: 'See whether the host and its network are up; what ran there may still be running.',
  });
}

/** The server lets nothing run beside the first session of a connection. */
export function sessionRefused(host: string, said: string): OutsideError {
  return new OutsideError('session-refused', `${host} allows no second session in one connection: ${lastLine(said)}`, {
    hint: 'Set MaxSessions in its sshd_config to 2 or more; 10 is the default.',
  });
}

/** This computer lacks a program that every connection needs. */
export function programMissingHere(program: string): UserError {
  return new UserError('program-missing', `this computer has no program ${program}, which targets over ssh need`, {
    hint: 'Install it (on Debian: apt-get install openssh-client).',
  });
}

/** Why no connection came about, by what ssh said. */
export function notConnected(host: string, said: string): OutsideError | UserError {
  if (said.endsWith('spawn ssh ENOENT')) return programMissingHere('ssh');
  if (
    /host key verification failed|host identification has changed|host key is known|no matching host key/i.test(said)
  ) {
    return new UserError('host-key-refused', `the host that answers as ${host} has none of the configured host keys`, {
      hint: 'Find out why before changing `host_keys`: another machine may be answering in its place.',
    });
  }
  if (/permission denied|too many authentication failures|no supported authentication/i.test(said)) {
    return new UserError('host-login-refused', `${host} does not accept the login: ${lastLine(said)}`, {
      hint: 'Correct `user` or `key`, or add the public key to authorized_keys on the host.',
    });
  }
  const why = lastLine(said);
  return new OutsideError('host-unreachable', `${host} cannot be reached over ssh${why === '' ? '' : `: ${why}`}`, {
    hint: 'See whether the host is up, whether `host` and `port` are right, and whether a firewall stands between.',
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim().replace(/\.$/, '') ?? '';
}
