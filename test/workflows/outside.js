// Loaded into every Node that a job starts: what lies outside of this computer is answered by the loopback GitHub, under
// the addresses that it has in the world. HOLDFAST_OUTSIDE maps hosts to addresses: {"hooks.slack.com":"http://127.0.0.1:1/hooks/slack"}.
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';

const outside = JSON.parse(process.env.HOLDFAST_OUTSIDE ?? '{}');
// Not for what a step starts: that is no part of the runner.
delete process.env.HOLDFAST_OUTSIDE;

const realRequest = https.request;
https.request = (input, ...rest) => {
  const isUrl = typeof input === 'string' || input instanceof URL;
  const more = rest.find((argument) => typeof argument === 'object');
  const options = isUrl ? { ...urlOptions(input), ...more } : input;
  const instead = outside[options.hostname ?? options.host];
  if (instead === undefined) return realRequest(input, ...rest);
  const callback = rest.find((argument) => typeof argument === 'function');
  const { hostname, port, pathname } = new URL(instead);
  // Its agent, its port and what belongs to TLS are those of the other address.
  const { method, headers, path, signal, timeout } = options;
  const prefix = pathname.replace(/\/$/, '');
  return http.request({ method, headers, signal, timeout, hostname, port, path: `${prefix}${path}` }, callback);
};
https.get = (...args) => https.request(...args).end();
syncBuiltinESMExports();

function urlOptions(url) {
  const { hostname, pathname, search } = new URL(url);
  return { hostname, path: `${pathname}${search}` };
}
