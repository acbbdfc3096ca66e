// Programs that tests start and that no package of this repository brings. scripts/test.js looks for them first.

/**
 * `program` is looked for in PATH and in `folders`; `packages` are those of Debian; `why` completes "needed for …".
 * A test that starts a new program adds a line here.
 */
export const requirements = [
  { program: 'sh', packages: ['dash'], why: 'commands of users, which are shell scripts more often than not' },
  { program: 'npm', packages: ['npm'], why: 'the package, packed and installed as a user would' },
  {
    program: 'sshd',
    packages: ['openssh-server'],
    // Debian puts it where only root looks.
    folders: ['/usr/sbin', '/sbin'],
    why: 'a machine that is reached over ssh',
  },
  { program: 'ssh-agent', packages: ['openssh-client'], why: 'ssh and a key that is never in a file' },
  { program: 'sqlite3', packages: ['sqlite3'], why: 'databases on a machine that is reached over ssh' },
  {
    program: 'ip',
    packages: ['iproute2'],
    folders: ['/usr/sbin', '/sbin'],
    why: 'several hosts with networks of their own on one computer',
  },
  { program: 'curl', packages: ['curl'], why: 'asking a service from inside of such a host' },
  { program: 'setsid', packages: ['util-linux'], why: 'what is started over ssh' },
  { program: 'mkfifo', packages: ['coreutils'], why: 'a file that is none, in a backup' },
  {
    program: 'initdb',
    packages: ['postgresql'],
    // The folders in which test/support/postgres.ts looks; Debian puts the server's programs in no PATH.
    folders: [18, 17, 16, 15, 14, 13]
      .map((version) => `/usr/lib/postgresql/${version}/bin`)
      .concat('/usr/local/pgsql/bin'),
    why: 'a real database behind the source "command"',
  },
  { program: 'mount', packages: ['mount'], folders: ['/sbin', '/usr/sbin'], why: 'a disk that is full' },
  {
    program: 'systemd-analyze',
    packages: ['systemd'],
    why: 'units as systemd itself reads them; it need not run, and installing it where services may not start is fine',
  },
  { program: 'setpriv', packages: ['util-linux'], why: 'systemd shows what it has read to ordinary users only' },
  { program: 'python3', packages: ['python3'], why: 'an application of others that is released and broken' },
  // Only the full form of the acceptance builds it.
  ...(process.env.HOLDFAST_ACCEPTANCE === 'full'
    ? [{ program: 'go', packages: ['golang-go'], why: 'an application of others that is compiled' }]
    : []),
];
