import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { errorCode, errorMessage, OutsideError, UserError } from '../core/errors.ts';
import type { Kind } from '../core/kind.ts';
import { CommandSource } from './settings.ts';
import type { DumpEntry, Notice, Source, SourceContext } from './source.ts';
import { assertSameStructure } from './structure.ts';
import { shortDigest } from './swap.ts';

/**
 * State of any kind behind the user's own commands. They run in the folder of holdfast.yml with PATH, HOME, LANG, TZ,
 * `env` and these variables, and nothing else:
 *
 * - HOLDFAST_INTO: `live` or `scratch`.
 * - HOLDFAST_SCRATCH: an empty private folder, for dump and for a restore of either kind; removed afterwards.
 * - HOLDFAST_SCRATCH_NAME: a name that nothing else uses (letters, digits, `_`); the same one again when an interrupted
 *   restore is repeated.
 *
 * A restore command may be run again after it was interrupted. Before a restore into live the failed state is dumped
 * and kept. A restore command that knows nothing of HOLDFAST_INTO would overwrite live data while a backup is proven:
 * nothing is ever run for scratch before `scratch: true` says that the commands obey.
 */
export const commandSource: Kind<typeof CommandSource, SourceContext, Source> = {
  settings: CommandSource,
  connect: (settings, context) => connectCommand(settings, context),
};

const DUMP = 'dump';
/** What `count` said when the dump began. */
const COUNT = 'count';
const STDERR_SHOWN = 2000;

interface Place {
  readonly into: 'live' | 'scratch';
  readonly folder: string;
  readonly name: string;
}

function connectCommand(settings: CommandSource, context: SourceContext): Source {
  const { name, machine } = context;
  const { files } = machine;
  const path = `state.${name}`;

  /** A private folder and a free name for one use; both are told by the folder, so that a retry meets them again. */
  const inPlace = async <T>(into: Place['into'], folder: string, use: (place: Place) => Promise<T>): Promise<T> => {
    await files.remove(folder);
    await files.makeDirectory(folder, 0o700);
    try {
      return await use({ into, folder, name: `holdfast_${shortDigest(folder)}` });
    } finally {
      await files.remove(folder);
    }
  };
  const run = (part: Part, place: Place | undefined, streams?: Streams) =>
    runPart(part, settings, place, context, streams);
  const fingerprint = async (place: Place | undefined) => {
    const { stdout } = await run('fingerprint', place);
    if (stdout.trim() === '') {
      throw new UserError('no-fingerprint', `${path}.fingerprint printed nothing`, {
        hint: 'It must print a text that changes when the structure of the state changes.',
      });
    }
    return createHash('sha256').update(stdout.trim()).digest('hex');
  };
  const count = async (): Promise<number> => {
    const { stdout } = await run('count', undefined);
    if (!/^\d{1,15}$/.test(stdout.trim())) {
      throw new UserError('no-count', `${path}.count printed ${JSON.stringify(stdout.trim().slice(0, 60))}`, {
        hint: 'It must print one whole number.',
      });
    }
    return Number(stdout.trim());
  };
  const dumpTo = async (file: string, scratch: string) => {
    await files.remove(file);
    await inPlace('live', scratch, (place) => run('dump', place, { stdout: files.openWrite(file, 0o600) }));
    await files.sync(file);
    if ((await files.status(file))?.sizeBytes === 0) {
      throw new OutsideError('dump-empty', `${path}.dump ended with 0 but wrote nothing to its standard output`, {
        hint: 'An empty dump cannot be told from a failed one; let the command write the state to standard output.',
      });
    }
  };

  return {
    name,
    kind: settings.kind,
    paths: [],
    fingerprint: () => fingerprint(undefined),
    // Unknown before the dump; its own disk errors name the folder.
    estimate: async () => 0,
    async dump(scratch) {
      return { entries: entriesOf(scratch), notices: [] };
    },
    async prove(folder, expected, scratch) {
      if (!settings.scratch) {
        throw new UserError(
          'no-scratch-restore',
          `a backup of ${path} cannot be proven without a restore into scratch`,
          {
            hint: `Let ${path}.restore, fingerprint and cleanup obey HOLDFAST_INTO=scratch, then set ${path}.scratch: true.`,
          },
        );
      }
      const notices: Notice[] = [];
      await inPlace('scratch', join(scratch, `prove-${name}`), async (place) => {
        try {
          await run('restore', place, { stdin: files.openRead(join(folder, DUMP)) });
          assertSameStructure(name, await fingerprint(place), expected);
        } finally {
          // What is left in scratch harms nothing live, so it spoils no proof.
          if (settings.cleanup !== undefined) {
            await run('cleanup', place).catch((error: unknown) => {
              notices.push({ path: '', message: `cleanup failed: ${errorMessage(error)}` });
            });
          }
        }
      });
      return notices;
    },
    async restore(folder, aside) {
      const notices: Notice[] = [];
      await files.makeDirectory(aside, 0o700);
      const kept = join(aside, DUMP);
      if ((await files.status(kept)) === undefined) {
        // A state too broken to dump must not keep the good one from coming back.
        try {
          await dumpTo(`${kept}.partial`, join(aside, 'scratch'));
          await files.rename(`${kept}.partial`, kept);
        } catch (error) {
          if (!(error instanceof OutsideError)) throw error;
          await files.remove(`${kept}.partial`);
          notices.push({ path: '', message: `the failed state could not be kept: ${error.message}` });
        }
      }
      await inPlace('live', join(aside, 'scratch'), (place) =>
        run('restore', place, { stdin: files.openRead(join(folder, DUMP)) }),
      );
      return notices;
    },
    async verify(_folder, expected) {
      assertSameStructure(name, await fingerprint(undefined), expected);
    },
    async countWrites(folder) {
      const file = join(folder, COUNT);
      if (settings.count === undefined || (await files.status(file)) === undefined) {
        return { count: undefined, unit: 'writes', details: ['cannot be counted: there is no count command'] };
      }
      const before = Number(await text(files.openRead(file)));
      const now = await count();
      // A counter that went back (statistics reset, another server) says nothing about writes.
      if (now < before)
        return { count: undefined, unit: 'writes', details: ['cannot be counted: the count went back'] };
      return { count: now - before, unit: 'writes', details: now === before ? [] : [`${now - before} writes`] };
    },
  };

  async function* entriesOf(scratch: string): AsyncGenerator<DumpEntry> {
    // Before the dump: a write in between is counted although the copy holds it, never the other way round.
    const counted = settings.count === undefined ? undefined : await count();
    const modifiedMs = 0;
    const owner = { uid: 0, gid: 0, modifiedMs };
    yield { path: '', type: 'directory', mode: 0o700, ...owner, sizeBytes: 0 };
    if (counted !== undefined) {
      const file = join(scratch, COUNT);
      await files.write(file, String(counted));
      const sizeBytes = String(counted).length;
      yield { path: COUNT, type: 'file', mode: 0o600, ...owner, sizeBytes, open: async () => files.openRead(file) };
      await files.remove(file);
    }
    const file = join(scratch, DUMP);
    await dumpTo(file, join(scratch, 'place'));
    const sizeBytes = (await files.status(file))?.sizeBytes ?? 0;
    yield { path: DUMP, type: 'file', mode: 0o600, ...owner, sizeBytes, open: async () => files.openRead(file) };
    await files.remove(file);
  }
}

type Part = 'dump' | 'restore' | 'fingerprint' | 'count' | 'cleanup';

interface Streams {
  readonly stdin?: Readable;
  readonly stdout?: Writable;
}

async function runPart(
  part: Part,
  settings: CommandSource,
  place: Place | undefined,
  { name, machine, directory, signal }: SourceContext,
  streams: Streams = {},
): Promise<{ stdout: string }> {
  const command = settings[part];
  const path = `state.${name}.${part}`;
  if (command === undefined) throw new UserError('no-command', `${path} is not set`);
  const env = {
    ...machine.environment,
    ...settings.env,
    HOLDFAST_INTO: place?.into ?? 'live',
    ...(place === undefined ? {} : { HOLDFAST_SCRATCH: place.folder, HOLDFAST_SCRATCH_NAME: place.name }),
  };
  try {
    const outcome = await machine.processes.run(
      { argv: command.command, cwd: directory, env },
      { timeoutMs: command.timeout, ...streams },
      signal,
    );
    if (outcome.status === 0 && !outcome.timedOut) return outcome;
    const how = outcome.timedOut
      ? `took longer than ${command.timeout / 1000} s`
      : `ended with ${outcome.status === undefined ? `signal ${outcome.signal}` : `status ${outcome.status}`}`;
    const tail = outcome.stderr.trim().slice(-STDERR_SHOWN);
    throw new OutsideError(`${part}-failed`, `${path} ${how}${tail === '' ? '' : `: ${tail}`}`);
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'ENOENT' && code !== 'EACCES') throw error;
    if (error instanceof OutsideError) throw error;
    throw new UserError('command-not-found', `${path} cannot be started: ${command.command[0]} (${code})`, {
      hint: `Commands run in ${directory}; name a program on PATH, or a path relative to that folder.`,
      cause: error,
    });
  } finally {
    streams.stdin?.destroy();
    streams.stdout?.destroy();
  }
}
