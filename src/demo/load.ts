import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** The last line of the load process. */
export const LoadSummary = z.looseObject({
  requests: z.number(),
  failures: z.strictObject({ reset: z.number(), timeout: z.number(), status5xx: z.number() }),
  transport: z.record(z.string(), z.number()),
  wrongAnswers: z.number(),
  versions: z.record(z.string(), z.number()),
  writesAccepted: z.number(),
  longestWaitMs: z.number(),
  perSecond: z.number().optional(),
});
export type LoadSummary = z.infer<typeof LoadSummary>;

export interface Load {
  /** What it has counted so far. */
  latest(): LoadSummary | undefined;
  /** Ends it and answers everything it counted. */
  stop(): Promise<LoadSummary>;
  /** Ends it without asking what it saw. */
  kill(): void;
}

/** Starts the load as a process of its own. `badVersions` are releases whose own wrong answers count apart. */
export function startLoad(
  program: string,
  options: {
    readonly url: string;
    readonly user: string;
    readonly password: string;
    readonly badVersions: readonly string[];
  },
): Load {
  const bad = options.badVersions.flatMap((version) => ['--bad-version', version]);
  const child = spawn(process.execPath, [program, '--url', options.url, '--user', options.user, ...bad], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], LOAD_PASSWORD: options.password },
  });
  let latest: LoadSummary | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    latest = LoadSummary.parse(JSON.parse(line));
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    latest: () => latest,
    async stop() {
      child.stdin.end('stop\n');
      const status = await ended;
      if (status !== 0 || latest === undefined) throw new Error(`the load ended with status ${status}`);
      return latest;
    },
    kill: () => void child.kill('SIGTERM'),
  };
}
