import type { Check, Observed } from './check.ts';
import { findingOf } from './finding.ts';
import type { Asked, Leak, Place, Probe, Question } from './probe.ts';
import { findStackTrace } from './stack-trace.ts';

const TIMEOUT_MS = 5000;

interface SecretsSeen {
  readonly answers: number;
  readonly leaks: readonly Leak[];
}

/** No answer that any check of this run got from the service holds the value of a secret. */
export function secretsCheck(place: Place, observed: Observed, probe: Probe): Check<SecretsSeen> {
  const { service } = place;
  const check = { id: `no-secret-in-answers:${service}`, layer: 'security', turn: 'last' } as const;
  const secrets = Object.keys(observed.settings.secretValues).length;
  return {
    ...check,
    async collect(signal) {
      await probe.ask(place, { method: 'GET', path: '/', timeoutMs: TIMEOUT_MS }, signal);
      return probe.seen(service);
    },
    evaluate({ answers, leaks }) {
      if (secrets === 0) {
        const message = `no secret is configured, so none can be looked for in the answers of ${service}`;
        return [findingOf(check, { outcome: 'skipped', message })];
      }
      if (answers === 0) {
        return [findingOf(check, { outcome: 'unknown', message: `${service} gave no answer to look for secrets in` })];
      }
      const [leak] = leaks;
      if (leak === undefined) {
        const message = `none of ${answers} answers of ${service} holds the value of a secret`;
        return [findingOf(check, { outcome: 'pass', message, measured: { answers, secrets } })];
      }
      return [
        findingOf(check, {
          outcome: 'fail',
          severity: 'critical',
          message: `the answer of ${service} to ${leak.question} holds the value of the secret ${leak.secret}`,
          remedy: `Take it out of the answer and replace the secret ${leak.secret}: it is known now.`,
          measured: { answers, leaks: leaks.length },
        }),
      ];
    },
  };
}

/** A path that no service has, without a character that any router treats in a special way. */
const UNKNOWN_PATH = '/holdfast-asks-for-a-path-that-is-not-there';

interface Strange {
  readonly name: string;
  readonly question: Question;
}

/**
 * The malformed body comes with GET: it meets what reads bodies for all requests, as frameworks do, and none of the
 * handlers that parse what is posted to them. One of those may die of it, and this service is in use.
 */
const STRANGE: readonly Strange[] = [
  { name: 'an unknown path', question: { method: 'GET', path: UNKNOWN_PATH, timeoutMs: TIMEOUT_MS, attempts: 2 } },
  {
    name: 'a malformed request',
    question: {
      method: 'GET',
      path: UNKNOWN_PATH,
      headers: { 'content-type': 'application/json' },
      body: '{"holdfast": ',
      timeoutMs: TIMEOUT_MS,
      attempts: 2,
    },
  },
];

interface Exchange {
  readonly question: Question;
  readonly asked: Asked;
}

/** Strange requests are refused without an error of the server and without telling how it is built. */
export function stackTraceCheck(place: Place, root: string, probe: Probe): Check<readonly Exchange[]> {
  const { service } = place;
  const check = { id: `no-stack-trace:${service}`, layer: 'security' } as const;
  const questions = STRANGE.map(({ question }) => question);
  return {
    ...check,
    collect: (signal) => askAll(place, questions, probe, signal),
    evaluate(exchanges) {
      for (const { question, asked } of exchanges) {
        const name = STRANGE.find((strange) => strange.question === question)?.name ?? question.path;
        if (asked.kind === 'silence') {
          // A server that closes with an unread body resets the connection: a refusal, if not a polite one.
          if (question.body !== undefined && asked.code === 'ECONNRESET') continue;
          const message = `${service} gives no answer to ${name} (${asked.message})`;
          return [findingOf(check, { outcome: 'unknown', severity: 'medium', message })];
        }
        const trace = findStackTrace(asked.body, root);
        if (trace !== undefined) {
          const message = `the answer of ${service} to ${name} shows ${trace}`;
          const remedy = 'Answer errors with a short text and write the details to the log.';
          return [findingOf(check, { outcome: 'fail', message, remedy, measured: { status: asked.status } })];
        }
        // 501 is how a server says that it does not do such things.
        if (asked.status >= 500 && asked.status !== 501) {
          const message = `${service} answers ${asked.status} to ${name} instead of a status between 400 and 499`;
          return [
            findingOf(check, { outcome: 'fail', severity: 'medium', message, measured: { status: asked.status } }),
          ];
        }
      }
      const message = `${service} refuses strange requests without telling how it is built`;
      return [findingOf(check, { outcome: 'pass', message, measured: { requests: exchanges.length } })];
    },
  };
}

/** Ways to write "up and out" that pass one careless decoding or another. */
const TRAVERSALS = [
  '/..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd',
  '/%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '/..%252f..%252f..%252f..%252f..%252f..%252f..%252fetc%252fpasswd',
  '/....//....//....//....//....//....//....//etc/passwd',
  '/%2fetc%2fpasswd',
  '//etc/passwd',
];
/** Folders below which services like to serve files. */
const FOLDERS = ['', '/static', '/public', '/files'];

/** No way of writing a path leads out of the folder of the service, to a file that every machine has. */
export function traversalCheck(place: Place, probe: Probe): Check<readonly Exchange[]> {
  const { service } = place;
  const check = { id: `no-path-traversal:${service}`, layer: 'security' } as const;
  const questions = FOLDERS.flatMap((folder) =>
    TRAVERSALS.map((path): Question => ({ method: 'GET', path: `${folder}${path}`, timeoutMs: TIMEOUT_MS })),
  );
  return {
    ...check,
    collect: (signal) => askAll(place, questions, probe, signal),
    evaluate(exchanges) {
      const answers = exchanges.flatMap(({ question, asked }) =>
        asked.kind === 'answer' ? [{ question, asked }] : [],
      );
      const measured = { requests: exchanges.length, answers: answers.length };
      const open = answers.find(({ asked }) => isPasswordFile(asked.body));
      if (open !== undefined) {
        return [
          findingOf(check, {
            outcome: 'fail',
            severity: 'critical',
            message: `${service} gives a file from outside of its folder to GET ${open.question.path}`,
            remedy: 'Resolve the decoded path first, then refuse whatever is not below the folder that is served.',
            measured,
          }),
        ];
      }
      if (answers.length < exchanges.length / 2) {
        const message = `${service} gave an answer to ${answers.length} of ${exchanges.length} requests only`;
        return [findingOf(check, { outcome: 'unknown', message, measured })];
      }
      const message = `${service} gives no file from outside of its folder`;
      return [findingOf(check, { outcome: 'pass', message, measured })];
    },
  };
}

function isPasswordFile(body: string): boolean {
  return /^root:[^:\n]*:0:0:/m.test(body);
}

async function askAll(
  place: Place,
  questions: readonly Question[],
  probe: Probe,
  signal: AbortSignal,
): Promise<Exchange[]> {
  const exchanges: Exchange[] = [];
  for (const question of questions) {
    exchanges.push({ question, asked: await probe.ask(place, question, signal) });
  }
  return exchanges;
}
