import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import type { AxiosInstance } from 'axios';
import { errorCode, errorMessage } from '../core/errors.ts';

export interface HttpRequest {
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly timeoutMs: number;
  /** Several requests over one connection share a session. Without one, each request opens its own connection. */
  readonly session?: HttpSession;
  /** Of the body only so much is read, and the rest is left. Without it, a body of more than 4 MiB is no answer. */
  readonly readBytes?: number;
  /** A local socket to send it through, instead of to the address of `url`. */
  readonly socketPath?: string;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. Several `set-cookie` are joined by a line feed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From the first byte sent to the last byte read. */
  readonly durationMs: number;
}

/** One kept connection: what a second request over it sees, the same process answered. */
export interface HttpSession {
  close(): void;
}

/** There was no HTTP answer at all: refused, reset, timed out, name unknown. `code` is the system's. */
export class TransportError extends Error {
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'TransportError';
    this.code = code;
  }
}

/** HTTP, without redirects and without retries. Any status is an answer; no answer is a TransportError. */
export interface Http {
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  openSession(): HttpSession;
}

/** More than any health page needs, and little enough to hold in memory. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

class AgentSession implements HttpSession {
  readonly httpAgent = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  readonly httpsAgent = new HttpsAgent({ keepAlive: true, maxSockets: 1 });

  close(): void {
    this.httpAgent.destroy();
    this.httpsAgent.destroy();
  }
}

export function systemHttp(): Http {
  let client: Promise<AxiosInstance> | undefined;
  return {
    openSession: () => new AgentSession(),
    async request(request, signal) {
      client ??= import('axios').then(({ default: axios }) => axios.create());
      const session = request.session instanceof AgentSession ? request.session : new AgentSession();
      const startedAt = performance.now();
      try {
        const { readBytes } = request;
        const answer = await (await client).request<string | Readable>({
          url: request.url,
          method: request.method ?? 'GET',
          headers: { 'user-agent': 'holdfast', ...request.headers },
          ...(request.body === undefined ? {} : { data: request.body }),
          ...(request.socketPath === undefined ? {} : { socketPath: request.socketPath }),
          httpAgent: session.httpAgent,
          httpsAgent: session.httpsAgent,
          // A hard limit over the whole exchange; axios' own `timeout` does not cover connecting.
          signal: AbortSignal.any([signal, AbortSignal.timeout(request.timeoutMs)]),
          maxRedirects: 0,
          maxContentLength: readBytes === undefined ? MAX_ANSWER_BYTES : -1,
          responseType: readBytes === undefined ? 'text' : 'stream',
          transformResponse: (body: unknown) => body,
          transformRequest: (body: unknown) => body,
          validateStatus: () => true,
          proxy: false,
        });
        return {
          status: answer.status,
          headers: plainHeaders(answer.headers),
          body: typeof answer.data === 'string' ? answer.data : await readStart(answer.data, readBytes ?? 0),
          durationMs: performance.now() - startedAt,
        };
      } catch (error) {
        const code =
          performance.now() - startedAt >= request.timeoutMs ? 'ETIMEDOUT' : (errorCode(error) ?? 'EUNKNOWN');
        const message =
          code === 'ETIMEDOUT' ? `no complete answer within ${request.timeoutMs} ms` : errorMessage(error) || code;
        throw new TransportError(code, message, error);
      } finally {
        if (session !== request.session) session.close();
      }
    },
  };
}

/** The beginning of a body; what comes after it is not waited for. */
async function readStart(body: Readable, bytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const part = Buffer.from(chunk);
    chunks.push(part);
    size += part.length;
    if (size >= bytes) break;
  }
  return Buffer.concat(chunks).subarray(0, bytes).toString('utf8');
}

function plainHeaders(headers: object): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || value === null) continue;
    plain[name.toLowerCase()] = Array.isArray(value) ? value.join('\n') : String(value);
  }
  return plain;
}
