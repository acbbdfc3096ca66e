// Programs that tests start and that no package of this repository brings. scripts/test.js looks for them first.

/**
 * `program` is looked for in PATH and in `folders`; `packages` are those of Debian; `why` completes "needed for …".
 * A test that starts a new program adds a line here.
 */
export const requirements = [
  { program: 'tar', packages: ['tar'], why: 'strict extraction, compared with another implementation' },
  { program: 'zstd', packages: ['zstd'], why: 'reading our archives with a tool that is not ours' },
  {
    program: 'pg_ctl',
    packages: ['postgresql'],
    folders: ['/usr/lib/postgresql/17/bin', '/usr/lib/postgresql/16/bin', '/usr/lib/postgresql/15/bin'],
    why: 'a real PostgreSQL behind the source "command"',
  },
];
