import { homedir, hostname, userInfo } from 'node:os';

/** Who runs this process, and where. */
export interface Identity {
  readonly user: string;
  /** Who asks, as `access.roles` names them: `os:<login>` here, `user:<numeric id>` where a token proved it. */
  readonly actor: string;
  /** The environment whose rules on GitHub the job has passed, as its token says; undefined for none, and on a laptop. */
  readonly environmentPassed?: string | undefined;
  readonly host: string;
  readonly pid: number;
  readonly home: string;
  /** PATH, HOME and, where they are set, LANG and TZ: all that a started command gets of our environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** The socket of the ssh-agent that the user runs, if there is one. */
  readonly agentSocket?: string | undefined;
}

export function systemIdentity(): Identity {
  const environment: Record<string, string> = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: homedir() };
  for (const name of ['LANG', 'TZ']) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return {
    user: userInfo().username,
    actor: `os:${userInfo().username}`,
    host: hostname(),
    pid: process.pid,
    home: homedir(),
    environment,
    agentSocket: process.env['SSH_AUTH_SOCK'],
  };
}
