import { refuse } from './answers.js';
import { documentRoutes } from './documents.js';
import fault from './fault.js';
import { healthRoutes } from './health.js';
import { loginRoutes } from './login.js';
import { policyRoutes } from './policies.js';
import { readBody } from './request-body.js';
import { matchRoute } from './routing.js';
import { verifyToken } from './tokens.js';

/** The whole service as a listener for node:http. Every answer says in `x-version` which version gave it. */
export function createApplication({ database, settings }) {
  const own = [healthRoutes, loginRoutes, policyRoutes, documentRoutes].flatMap((of) => of({ database, settings }));
  const routes = fault.routes?.(own) ?? own;
  return async (request, response) => {
    response.setHeader('x-version', settings.version);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cache-control', 'no-store');
    try {
      // Also where nobody wants the body: closing a connection with unread bytes in it resets it.
      const body = await readBody(request);
      send(response, body === undefined ? refuse(413, 'too large') : await answer(routes, request, body, settings));
    } catch (error) {
      console.error(error);
      if (!response.headersSent) send(response, refuse(500, 'this went wrong here'));
    }
  };
}

async function answer(routes, request, body, settings) {
  const url = URL.parse(request.url, 'http://service');
  if (url === null) return refuse(400, 'this is not a path');
  const match = matchRoute(routes, request.method, url.pathname);
  if (match === undefined) return refuse(404, 'there is nothing here');
  const { route, params } = match;
  const call = { params, query: url.searchParams, headers: request.headers, body };
  if (route.open) return route.run(call);
  const [, token] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
  const user = token === undefined ? undefined : verifyToken(token, settings.jwtSecret);
  if (user === undefined) return { ...refuse(401, 'log in first'), headers: { 'www-authenticate': 'Bearer' } };
  return route.run({ ...call, user });
}

function send(response, { status, json, bytes, headers = {} }) {
  const content = bytes ?? (json === undefined ? Buffer.alloc(0) : Buffer.from(`${JSON.stringify(json)}\n`));
  const type = json === undefined ? {} : { 'content-type': 'application/json' };
  response.writeHead(status, { ...type, ...headers, ...(status === 204 ? {} : { 'content-length': content.length }) });
  response.end(content);
}
