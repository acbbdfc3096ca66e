import { errorCode, errorMessage, Interrupted } from '../core/errors.ts';
import type { HttpSession } from '../platform/http.ts';
import type { ServiceStatus } from '../targets/target.ts';
import type { Observed } from './check.ts';
import { holdsSecret } from './secrets.ts';

export interface Question {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly timeoutMs: number;
  /** Tries when no answer comes at all; one by default. */
  readonly attempts?: number;
  readonly session?: HttpSession;
}

/** An HTTP answer, whatever its status, or none at all. */
export type Asked = Answer | Silence;

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly durationMs: number;
}

export interface Silence {
  readonly kind: 'silence';
  /** The system's: `ECONNREFUSED`, `ETIMEDOUT`. */
  readonly code: string;
  readonly message: string;
}

export interface Leak {
  /** Name of the secret. */
  readonly secret: string;
  /** `GET /debug`. */
  readonly question: string;
}

/** Asks the services of one run and remembers whether an answer held a secret. Answers themselves are not kept. */
export interface Probe {
  /** Rejects when the service is not live or has no such port, and with Interrupted when the signal fires. */
  ask(place: Place, question: Question, signal: AbortSignal): Promise<Asked>;
  openSession(): HttpSession;
  /** How many answers a service gave so far, and the leaks among them. */
  seen(service: string): { readonly answers: number; readonly leaks: readonly Leak[] };
}

export interface Place {
  readonly service: string;
  /** Name of the port; the first by default. */
  readonly port?: string | undefined;
}

const RETRY_AFTER_MS = 200;
/** Methods that may be sent again although the first request may have arrived (RFC 9110, 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

export function createProbe(observed: Observed): Probe {
  const { machine, clock, settings } = observed;
  const answers = new Map<string, number>();
  const leaks = new Map<string, Leak[]>();

  async function askOnce(url: string, question: Question, signal: AbortSignal): Promise<Asked> {
    const { method, timeoutMs, session } = question;
    const { headers, body } = encodeBody(question);
    try {
      const request = { method, url, headers, timeoutMs, ...(body === undefined ? {} : { body }) };
      const answer = await machine.http.request(session === undefined ? request : { ...request, session }, signal);
      return { kind: 'answer', ...answer };
    } catch (error) {
      if (signal.aborted) throw new Interrupted();
      const code = errorCode(error);
      if (code === undefined) throw error;
      return { kind: 'silence', code, message: errorMessage(error) };
    }
  }

  return {
    openSession: () => machine.http.openSession(),
    seen: (service) => ({ answers: answers.get(service) ?? 0, leaks: leaks.get(service) ?? [] }),
    async ask(place, question, signal) {
      const url = `${addressOf(observed.services, place)}${question.path}`;
      let asked = await askOnce(url, question, signal);
      for (let attempt = 2; attempt <= (question.attempts ?? 1); attempt += 1) {
        if (asked.kind === 'answer' || !mayRepeat(question.method, asked)) break;
        await clock.sleep(RETRY_AFTER_MS * (attempt - 1), signal);
        asked = await askOnce(url, question, signal);
      }
      if (asked.kind === 'silence') return asked;
      answers.set(place.service, (answers.get(place.service) ?? 0) + 1);
      const text = `${Object.values(asked.headers).join('\n')}\n${asked.body}`;
      const secret = holdsSecret(text, settings.secretValues);
      if (secret !== undefined) {
        const leak = { secret, question: `${question.method} ${question.path}` };
        leaks.set(place.service, [...(leaks.get(place.service) ?? []), leak]);
      }
      return asked;
    },
  };
}

/** The base address of a live service, for example `http://127.0.0.1:3000`. Throws when there is none. */
export function addressOf(services: readonly ServiceStatus[], { service, port }: Place): string {
  const status = services.find((candidate) => candidate.service === service);
  if (status === undefined) throw new Error(`nothing of ${service} is live`);
  const [first] = Object.values(status.addresses);
  const address = port === undefined ? first : status.addresses[port];
  if (address === undefined) throw new Error(`${service} has no port${port === undefined ? '' : ` ${port}`}`);
  return address;
}

/** Whether silence tells of the service (it refuses, drops, hangs) and not of the way to it. */
export function isServicesFault({ code }: Silence): boolean {
  return !['ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EMFILE'].includes(code);
}

function mayRepeat(method: string, silence: Silence): boolean {
  return IDEMPOTENT.has(method) || silence.code === 'ECONNREFUSED';
}

function encodeBody({ headers = {}, body }: Question): { headers: Record<string, string>; body?: string } {
  if (body === undefined) return { headers: { ...headers } };
  const isText = typeof body === 'string';
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json';
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  return {
    headers: hasType ? { ...headers } : { 'content-type': type, ...headers },
    body: isText ? body : JSON.stringify(body),
  };
}
