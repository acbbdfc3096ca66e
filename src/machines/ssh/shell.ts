import { PassThrough, Writable } from 'node:stream';
import { errorMessage } from '../../core/errors.ts';
import type { Platform } from '../../platform/platform.ts';
import type { Command } from '../../platform/processes.ts';
import { scriptHeader } from './start.ts';

export interface Answer {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A shell that stays on the server and answers one question after the other: a hundred times faster than a login each. */
export interface Shell {
  /** Runs a script in a subshell with empty input. Waits its turn. Rejects when the connection ends before the answer. */
  ask(script: string): Promise<Answer>;
  /** Ends the shell and with it the connection. */
  end(): void;
  /** Resolves when the connection has ended, with what ssh said at the end. */
  readonly ended: Promise<string>;
}

/**
 * Reads a mark, a length and a script of that length, again and again. The mark comes back behind each answer, on both
 * outputs; it is chance, so that no answer can hold it. English messages, because their meaning is read.
 */
const LOOP = `
LC_ALL=C; export LC_ALL; unset CDPATH; umask 022
while IFS= read -r mark && IFS= read -r length; do
  script=$(head -c "$length")
  ( eval "$script" ) </dev/null
  printf '\\n%s %s\\n' "$mark" "$?"
  printf '\\n%s\\n' "$mark" >&2
done
`;

interface Question {
  readonly script: string;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

interface Asked extends Question {
  readonly mark: string;
  readonly chunks: Buffer[];
  readonly lines: string[];
  status?: number;
  isErrorComplete: boolean;
}

/** Starts `command` (an ssh that ends in a shell on the server) and speaks with it. `lost` makes the error of a broken connection. */
export function keepShell(
  command: Command,
  lost: (said: string) => Error,
  { processes, random }: Pick<Platform, 'processes' | 'random'>,
): Shell {
  const input = new PassThrough();
  const stop = new AbortController();
  const waiting: Question[] = [];
  let asked: Asked | undefined;
  let endedBy: Error | undefined;
  /** What came on standard error outside of any answer: ssh speaking for itself. */
  const said: string[] = [];

  const next = (): void => {
    const question = waiting.shift();
    if (question === undefined) return;
    const mark = `holdfast-${random.hex(16)}`;
    asked = { ...question, mark, chunks: [], lines: [], isErrorComplete: false };
    const script = Buffer.from(question.script);
    input.write(`${mark}\n${script.length}\n`);
    input.write(script);
  };
  const finishWhenComplete = (): void => {
    if (asked?.status === undefined || !asked.isErrorComplete) return;
    const { status, resolve, chunks, lines } = asked;
    asked = undefined;
    resolve({ status, stdout: Buffer.concat(chunks), stderr: lines.join('\n').trim() });
    next();
  };
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (asked !== undefined && asked.status === undefined) {
        asked.chunks.push(chunk);
        takeEnd(asked);
        finishWhenComplete();
      }
      done();
    },
  });
  const onLine = (line: string): void => {
    if (asked === undefined) {
      said.push(line);
      said.splice(0, said.length - 20);
    } else if (line === asked.mark) {
      asked.isErrorComplete = true;
      finishWhenComplete();
    } else {
      asked.lines.push(line);
      asked.lines.splice(0, asked.lines.length - 1000);
    }
  };
  const finish = (): string => {
    const message = [...said, ...(asked?.lines ?? [])].join('\n').trim();
    endedBy = lost(message);
    asked?.reject(endedBy);
    asked = undefined;
    for (const { reject } of waiting.splice(0)) reject(endedBy);
    return message;
  };

  input.write(scriptHeader(LOOP));
  const ended = processes
    .run(command, { timeoutMs: FOREVER_MS, stdin: input, stdout: output, onLine }, stop.signal)
    .then(finish, (error: unknown) => {
      said.push(errorMessage(error));
      return finish();
    });
  return {
    ended,
    ask: (script) =>
      new Promise((resolve, reject) => {
        if (endedBy !== undefined) return reject(endedBy);
        waiting.push({ script, resolve, reject });
        if (asked === undefined) next();
      }),
    end() {
      input.end();
      stop.abort();
    },
  };
}

/** The longest time that a timer of Node can wait: the connection ends when it is told to. */
const FOREVER_MS = 2_147_483_647;
/** A line feed, the mark, a space, a status of up to three digits, a line feed. */
const LONGEST_END_BYTES = 64;

/** Takes `\n<mark> <status>\n` off the end, once it has come. */
function takeEnd(asked: Asked): void {
  const last = lastBytes(asked.chunks, LONGEST_END_BYTES);
  const at = last.lastIndexOf(`\n${asked.mark} `);
  if (at === -1 || last.at(-1) !== 0x0a) return;
  const end = last.subarray(at);
  asked.status = Number(end.subarray(asked.mark.length + 2).toString('latin1'));
  const whole = Buffer.concat(asked.chunks);
  asked.chunks.splice(0, asked.chunks.length, whole.subarray(0, whole.length - end.length));
}

function lastBytes(chunks: readonly Buffer[], count: number): Buffer {
  const taken: Buffer[] = [];
  let have = 0;
  for (let index = chunks.length - 1; index >= 0 && have < count; index -= 1) {
    const chunk = chunks[index];
    if (chunk === undefined) break;
    taken.unshift(chunk);
    have += chunk.length;
  }
  return Buffer.concat(taken).subarray(-count);
}
