import { homedir, hostname, userInfo } from 'node:os';

/** Who runs this process, and where. */
export interface Identity {
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  readonly home: string;
  /** PATH, HOME and, where they are set, LANG and TZ: all that a started command gets of our environment. */
  readonly environment: Readonly<Record<string, string>>;
}

export function systemIdentity(): Identity {
  const environment: Record<string, string> = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: homedir() };
  for (const name of ['LANG', 'TZ']) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return { user: userInfo().username, host: hostname(), pid: process.pid, home: homedir(), environment };
}
