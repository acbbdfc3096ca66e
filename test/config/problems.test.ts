import { describe, expect, it } from '@jest/globals';
import { formatProblems } from '../../src/config/problem.ts';
import { load, loaded, problemsOf, TEN_LINES } from './files.ts';

/** The ten lines with one text in place of another. */
const changed = (from: string, to: string) => TEN_LINES.replace(from, () => to);
const health = (rest: string) => changed('{ path: /healthz }', rest);
const run = (rest: string) => changed('{ command: [node, server.js], port: 3000 }', rest);
const service = (line: string) => changed('    health:', `    ${line}\n    health:`);
const also = (lines: string) => `${TEN_LINES}${lines}\n`;
const worker = (lines: string) =>
  changed('environments:', `  worker:\n    artifact: w\n    run: { command: [w] }\n${lines}environments:`);

type Row = { name: string; text: string; expected: string[] };

describe('what the schema refuses', () => {
  it.each<Row>([
    {
      name: 'text for a number',
      text: health('{ streak: three }'),
      expected: ['6:23 services.web.health.streak expected a whole number from 1 to 100, found "three"'],
    },
    {
      name: 'a number in quotes',
      text: health('{ streak: "3" }'),
      expected: [
        '6:23 services.web.health.streak expected a whole number from 1 to 100, found "3"; take the quotes away',
      ],
    },
    {
      name: 'a number that is too large',
      text: run('{ command: [a], port: 70000 }'),
      expected: ['5:32 services.web.run.port expected a whole number from 1 to 65535, found 70000'],
    },
    {
      name: 'a broken number',
      text: health('{ streak: 1.5 }'),
      expected: ['6:23 services.web.health.streak expected a whole number from 1 to 100, found 1.5'],
    },
    {
      name: 'a number for text',
      text: service('env: { PORT_NUMBER: 8080 }'),
      expected: ['6:25 services.web.env.PORT_NUMBER expected text, found 8080; put it in quotes'],
    },
    {
      name: 'a boolean for text',
      text: service('env: { DEBUG: true }'),
      expected: ['6:19 services.web.env.DEBUG expected text, found true; put it in quotes'],
    },
    {
      name: 'nothing for text',
      text: service('env: { DEBUG: }'),
      expected: ['6:19 services.web.env.DEBUG expected text, found nothing'],
    },
    {
      name: 'text for a boolean',
      text: run('{ command: [a], port: 1, strategy: socket, two_versions_at_once: "yes" }'),
      expected: ['5:75 services.web.run.two_versions_at_once expected true or false, found "yes"'],
    },
    {
      name: 'text for a list',
      text: run('{ command: node server.js }'),
      expected: [
        '5:21 services.web.run.command expected a list, found "node server.js"',
        '6:15 services.web.health.path the service has no port to ask; give run.port, or remove this',
      ],
    },
    {
      name: 'an empty command',
      text: run('{ command: [], port: 1 }'),
      expected: ['5:21 services.web.run.command expected a list of at least 1 item, found 0'],
    },
    {
      name: 'a list for a map',
      text: changed('{ command: [node, server.js], port: 3000 }', '[node]'),
      expected: [
        '5:10 services.web.run expected a map with command, port, ports, host, strategy, two_versions_at_once, instances, supervisor, user, stop, found a list',
      ],
    },
    {
      name: 'a map for text',
      text: changed('./build', '{ path: build }'),
      expected: ['4:15 services.web.artifact expected text of at least 1 character, found a map'],
    },
    {
      name: 'a duration without its unit',
      text: health('{ timeout: 30 }'),
      expected: ['6:24 services.web.health.timeout expected a duration like "30s", "5m" or "200ms", found 30'],
    },
    {
      name: 'an unknown word',
      text: run('{ command: [a], port: 1, strategy: sockets }'),
      expected: [
        '5:45 services.web.run.strategy expected one of restart, socket, overlap, found "sockets"; did you mean "socket"?',
      ],
    },
    {
      name: 'a bad service name',
      text: changed('  web:', '  Web_App:'),
      expected: [
        '3:3 services.Web_App not a usable key; expected a name of lower-case letters, digits and single dashes, like "api" or "document-worker"',
      ],
    },
    {
      name: 'a name that is too long',
      text: changed('  web:', `  ${'a'.repeat(41)}:`),
      expected: [`3:3 services.${'a'.repeat(41)} not a usable key; expected text of at most 40 characters`],
    },
    {
      name: 'a bad environment name',
      text: `${TEN_LINES}  Prod: {}\n`,
      expected: [
        '10:3 environments.Prod not a usable key; expected a name of lower-case letters, digits and single dashes, like "api" or "document-worker"',
      ],
    },
    {
      name: 'another version of the format',
      text: changed('version: 1', 'version: 2'),
      expected: ['1:10 version expected 1, found 2'],
    },
    {
      name: 'no version',
      text: changed('version: 1\n', ''),
      expected: ['1:1 version missing; expected 1 (version of this format)'],
    },
    {
      name: 'no services',
      text: 'version: 1\nenvironments: { local: { target: { kind: directory, path: /x } } }\n',
      expected: ['1:1 services missing; expected a map (what is deployed, by name)'],
    },
    {
      name: 'empty services',
      text: 'version: 1\nservices:\nenvironments: { local: { target: { kind: directory, path: /x } } }\n',
      expected: ['2:1 services expected a map (what is deployed, by name), found nothing'],
    },
    {
      name: 'services without one',
      text: 'version: 1\nservices: {}\nenvironments: { local: { target: { kind: directory, path: /x } } }\n',
      expected: ['2:1 services there is no service; name at least one'],
    },
    {
      name: 'no environments',
      text: TEN_LINES.split('\n').slice(0, 6).join('\n'),
      expected: [
        '1:1 environments missing; expected a map like { local: { target: { kind: directory, path: ~/apps/web } } }',
      ],
    },
    {
      name: 'no command',
      text: run('{ port: 3000 }'),
      expected: [
        '5:5 services.web.run.command missing; expected a list (program and arguments, one list item each; no shell reads them)',
      ],
    },
    {
      name: 'no target',
      text: TEN_LINES.replace(/ {4}target.*\n/, '    {}\n'),
      expected: [
        '8:3 environments.local.target missing; expected a map with the key kind, for example { kind: directory, path: ~/apps/web }',
      ],
    },
    {
      name: 'a target for all environments',
      text: also('target: { kind: directory, path: /x }'),
      expected: ['10:1 target unknown key; each environment has its own: environments.<name>.target'],
    },
    {
      name: 'a header in an overlay',
      text: `${TEN_LINES}    secrets: [A]\n`,
      expected: ['10:5 environments.local.secrets unknown key; it stands once, at the top of the file'],
    },
    {
      name: 'an unknown key',
      text: also('alerts: { chanels: {} }'),
      expected: ['10:11 alerts.chanels unknown key; did you mean "channels"?'],
    },
    {
      name: 'an unknown key that resembles nothing',
      text: also('releases: { zzz: 1 }'),
      expected: ['10:13 releases.zzz unknown key; known here: keep'],
    },
    {
      name: 'an unknown kind',
      text: also('state: { db: { kind: mysql, url: x } }'),
      expected: ['10:22 state.db.kind expected one of files, sqlite, command, found "mysql"'],
    },
    {
      name: 'a misspelt kind',
      text: also('state: { db: { kind: sqllite, path: x } }'),
      expected: ['10:22 state.db.kind expected one of files, sqlite, command, found "sqllite"; did you mean "sqlite"?'],
    },
    {
      name: 'no kind',
      text: also('state: { db: { path: x } }'),
      expected: ['10:10 state.db.kind missing; expected one of files, sqlite, command'],
    },
    {
      name: 'a kind alone',
      text: also('state: { db: sqlite }'),
      expected: ['10:14 state.db expected a map with the key kind (files, sqlite, command), found "sqlite"'],
    },
    {
      name: 'a key of another kind',
      text: also('state: { db: { kind: sqlite, path: x, exclude: [] } }'),
      expected: ['10:39 state.db.exclude unknown key; known here: kind, service, path'],
    },
    {
      name: 'a URL that is none',
      text: also(
        'secrets: [K]\nalerts: { channels: { a: { kind: webhook, url: example, secret: "${K:-0123456789abcdef}" } }, routes: [{ send: [a] }] }',
      ),
      expected: ['11:48 alerts.channels.a.url expected a URL like https://example.org/path, found "example"'],
    },
    {
      name: 'a weekday that does not exist',
      text: also('access: { freeze: [{ days: [frey] }] }'),
      expected: [
        '10:29 access.freeze[0].days[0] expected one of mon, tue, wed, thu, fri, sat, sun, found "frey"; did you mean "fri"?',
      ],
    },
    {
      name: 'a time zone that does not exist',
      text: also('access: { freeze: [{ days: [fri], zone: Europe/Berln }] }'),
      expected: [
        '10:41 access.freeze[0].zone expected the name of a time zone like "Europe/Berlin" or "UTC", found "Europe/Berln"',
      ],
    },
    {
      name: 'a time that does not exist',
      text: also("access: { freeze: [{ days: [fri], after: '25:00' }] }"),
      expected: ['10:42 access.freeze[0].after expected a time of day like "16:00", found "25:00"'],
    },
    {
      name: 'a person that is not named',
      text: also('access: { roles: { deployer: [alice] } }'),
      expected: [
        '10:31 access.roles.deployer[0] expected "os:<login>", "user:<numeric id>" or "team:<slug>", found "alice"',
      ],
    },
    {
      name: 'a role that does not exist',
      text: also("access: { roles: { deploier: ['os:a'] } }"),
      expected: ['10:20 access.roles.deploier unknown key; did you mean "deployer"?'],
    },
    {
      name: 'a wrong status',
      text: also('validate: { checks: { a: { kind: http, path: /, expect: { status: 20 } } } }'),
      expected: ['10:67 validate.checks.a.expect.status expected a whole number from 100 to 599 or a list, found 20'],
    },
    {
      name: 'a wrong status in a list',
      text: also('validate: { checks: { a: { kind: http, path: /, expect: { status: [200, ok] } } } }'),
      expected: ['10:73 validate.checks.a.expect.status[1] expected a whole number from 100 to 599, found "ok"'],
    },
    {
      name: 'a target of nothing',
      text: changed('{ kind: directory, path: ~/apps/web }', ''),
      expected: [
        '8:3 environments.local.target missing; expected a map with the key kind, for example { kind: directory, path: ~/apps/web }',
      ],
    },
    {
      name: 'an overlay that is no map',
      text: changed('    target: { kind: directory, path: ~/apps/web }', '    [1]'),
      expected: ['9:5 environments.local expected a map with what this environment has for its own, at least target'],
    },
    {
      name: 'a name that no variable can have',
      text: also('secrets: [MY-KEY]'),
      expected: ['10:11 secrets[0] expected a name of letters, digits and "_", found "MY-KEY"'],
    },
    {
      name: 'a name in both lists',
      text: also('secrets: [A]\nvariables: [A]\nproject: "${A:-web}"'),
      expected: ['11:13 variables[0] A is listed under secrets already; keep one'],
    },
  ])('$name', ({ text, expected }) => {
    expect(problemsOf(text)).toEqual(expected);
  });
});

describe('names that lead nowhere', () => {
  it.each<Row>([
    {
      name: 'depends_on',
      text: service('depends_on: [wbe]'),
      expected: ['6:18 services.web.depends_on[0] there is no service called "wbe"; did you mean "web"?'],
    },
    {
      name: "state's service",
      text: also('state: { f: { kind: files, service: api, path: x } }'),
      expected: ['10:37 state.f.service there is no service called "api"; known here: web'],
    },
    {
      name: "a check's service",
      text: also('validate: { checks: { a: { kind: http, path: /, service: api } } }'),
      expected: ['10:58 validate.checks.a.service there is no service called "api"; known here: web'],
    },
    {
      name: "a command's service",
      text: also('validate: { checks: { a: { kind: command, command: [a], service: api } } }'),
      expected: ['10:66 validate.checks.a.service there is no service called "api"; known here: web'],
    },
    {
      name: "a check's port",
      text: also('validate: { checks: { a: { kind: http, path: /, port: htpp } } }'),
      expected: ['10:55 validate.checks.a.port there is no port called "htpp"; did you mean "http"?'],
    },
    {
      name: 'a login',
      text: also('validate: { checks: { a: { kind: http, path: /, as: admin } } }'),
      expected: ['10:53 validate.checks.a.as there is no login called "admin"; there is no login yet'],
    },
    {
      name: "health's port",
      text: health('{ path: /, port: metrics }'),
      expected: ['6:30 services.web.health.port there is no port called "metrics"; known here: http'],
    },
    {
      name: 'a channel',
      text: also('alerts: { channels: { ops: { kind: terminal } }, routes: [{ send: [op, ops], on_failure: pager }] }'),
      expected: [
        '10:68 alerts.routes[0].send[0] there is no channel called "op"; did you mean "ops"?',
        '10:90 alerts.routes[0].on_failure there is no channel called "pager"; known here: ops',
      ],
    },
    {
      name: "the baseline's environment",
      text: also('validate: { baseline: { from: staging } }'),
      expected: ['10:31 validate.baseline.from there is no environment called "staging"; known here: local'],
    },
    {
      name: 'a check that could mean two services',
      text: also('validate: { checks: { a: { kind: http, path: / } } }').replace(
        'environments:',
        '  api: { artifact: a, run: { command: [a], port: 1 } }\nenvironments:',
      ),
      expected: ['11:23 validate.checks.a names no service, and several have a port; set service to one of web, api'],
    },
    {
      name: 'a check where nobody listens',
      text: also('validate: { logins: { a: { path: /, token: $.t } } }')
        .replace(', port: 3000', '')
        .replace('{ path: /healthz }', '{}'),
      expected: ['10:23 validate.logins.a asks over HTTP, but no service has a port; give one of them run.port'],
    },
    {
      name: 'itself',
      text: service('depends_on: [web]'),
      expected: ['6:18 services.web.depends_on[0] web depends on itself; remove it from its own list'],
    },
    {
      name: 'a circle',
      text: worker('    depends_on: [web]\n').replace('    health:', '    depends_on: [worker]\n    health:'),
      expected: [
        '11:18 services.worker.depends_on[0] services wait for each other: web → worker → web; remove one of these',
      ],
    },
  ])('$name', ({ text, expected }) => {
    expect(problemsOf(text)).toEqual(expected);
  });
});

describe('combinations that cannot work', () => {
  const version = 'version: { path: /version }';
  it.each<Row>([
    {
      name: 'artifact and build',
      text: service('build: { command: [make], output: out }'),
      expected: ['4:5 services.web.artifact artifact and build exclude each other; keep one of them'],
    },
    {
      name: 'neither artifact nor build',
      text: changed('    artifact: ./build\n', ''),
      expected: ['3:3 services.web nothing to deploy: give artifact, or build with its output'],
    },
    {
      name: 'port and ports',
      text: run('{ command: [a], port: 1, ports: { http: 2 } }'),
      expected: ['5:26 services.web.run.port port and ports exclude each other; put it under ports with a name'],
    },
    {
      name: 'socket without a port',
      text: run('{ command: [a], strategy: socket }').replace('{ path: /healthz }', '{}'),
      expected: ['5:36 services.web.run.strategy socket needs a port to keep open; give run.port, or take restart'],
    },
    {
      name: 'two versions at once under restart',
      text: run('{ command: [a], port: 1, two_versions_at_once: true }'),
      expected: [
        '5:57 services.web.run.two_versions_at_once goes with the strategy socket only, not with restart; remove it',
      ],
    },
    {
      name: 'overlap without health.version',
      text: run('{ command: [a], port: 1, strategy: overlap }'),
      expected: [
        '5:35 services.web.run.strategy two versions answer for a while, so health.version is required: only it tells which one has answered',
      ],
    },
    {
      name: 'two versions at once without health.version',
      text: run('{ command: [a], port: 1, strategy: socket, two_versions_at_once: true }'),
      expected: [
        '5:53 services.web.run.two_versions_at_once two versions answer for a while, so health.version is required: only it tells which one has answered',
      ],
    },
    {
      name: 'overlap with SQLite',
      text: run('{ command: [a], port: 1, strategy: overlap }')
        .replace('/healthz', `/healthz, ${version}`)
        .concat('state: { db: { kind: sqlite, service: web, path: db } }\n'),
      expected: [
        '5:35 services.web.run.strategy two versions would write to the same SQLite file (state.db); take restart, or socket with one version at a time',
      ],
    },
    {
      name: 'instances that share a port under restart',
      text: run('{ command: [a], port: 1, instances: 2 }'),
      expected: [
        '5:46 services.web.run.instances several instances cannot share a port under restart; take socket or overlap, or one instance',
      ],
    },
    {
      name: 'health without a port',
      text: run('{ command: [a] }').replace('/healthz', `/healthz, port: http, ${version}`),
      expected: [
        '6:15 services.web.health.path the service has no port to ask; give run.port, or remove this',
        '6:31 services.web.health.port the service has no port to ask; give run.port, or remove this',
        '6:43 services.web.health.version the service has no port to ask; give run.port, or remove this',
      ],
    },
    {
      name: 'a streak that outlasts its timeout',
      text: health('{ path: /, streak: 10, interval: 10s, timeout: 90s }'),
      expected: [
        '6:60 services.web.health.timeout 10 good answers 10s apart take longer than timeout allows (90s); lengthen the timeout',
      ],
    },
    {
      name: 'a variable that Holdfast sets',
      text: service('env: { PORT: "1", HOLDFAST_X: y, OTHER_PORT: "2" }'),
      expected: [
        '6:12 services.web.env.PORT PORT is set by Holdfast for each release; remove it, or take another name',
        '6:23 services.web.env.HOLDFAST_X HOLDFAST_X is set by Holdfast for each release; remove it, or take another name',
      ],
    },
    {
      name: 'one port twice',
      text: changed(
        'environments:',
        '  api: { artifact: a, run: { command: [a], ports: { a: 3000 } } }\nenvironments:',
      ),
      expected: ['7:56 services.api.run.ports.a port 3000 is taken by services.web (http) already; give each its own'],
    },
    {
      name: 'shared folders outside',
      text: service('shared: [/data, ../up, a/../../b, ., ~/x]'),
      expected: [
        '6:14 services.web.shared[0] "/data" is absolute; name a folder below the release, like "uploads"',
        '6:21 services.web.shared[1] "../up" leads outside with ".."; name a folder below the release, like "uploads"',
        '6:28 services.web.shared[2] "a/../../b" leads outside with ".."; name a folder below the release, like "uploads"',
        '6:39 services.web.shared[3] the release itself cannot be shared; name a folder below it, like "uploads"',
        '6:42 services.web.shared[4] "~/x" begins with "~", which is not read here; name a folder below the release, like "uploads"',
      ],
    },
    {
      name: 'shared folders in one another',
      text: service('shared: [data, data/up, data/]'),
      expected: [
        '6:20 services.web.shared[1] "data/up" and "data" lie inside one another; keep the outer one',
        '6:29 services.web.shared[2] "data/" is listed twice; keep one of them',
      ],
    },
    {
      name: 'state outside of its service',
      text: also('state: { a: { kind: files, service: web, path: /x }, b: { kind: files, service: web, path: ../x } }'),
      expected: [
        '10:48 state.a.path "/x" is absolute; with service it is relative to the shared folder of that service',
        '10:92 state.b.path "../x" leads outside with ".."; with service it is relative to the shared folder of that service',
      ],
    },
    {
      name: 'state in folders of Holdfast',
      text: also('state: { a: { kind: files, path: releases/x }, b: { kind: files, path: . } }'),
      expected: [
        '10:34 state.a.path "releases/x" is where Holdfast keeps releases; name the folder that holds the state',
        '10:72 state.b.path "." is where Holdfast keeps releases; name the folder that holds the state',
      ],
    },
    {
      name: 'the same state twice',
      text: also('state: { a: { kind: files, path: /x/y }, b: { kind: sqlite, path: /x//y/ } }'),
      expected: ['10:67 state.b.path state.a holds the same path; keep one of them'],
    },
    {
      name: 'globs that match nothing',
      text: also("state: { a: { kind: files, path: /x, exclude: ['/tmp/*', '../*', '[ab', '{a,b', '[ab]*.{c,d}'] } }"),
      expected: [
        '10:48 state.a.exclude[0] "/tmp/*" is absolute; a glob is relative to the path, like "**/*.tmp"',
        '10:58 state.a.exclude[1] "../*" leads outside with ".."; a glob is relative to the path, like "**/*.tmp"',
        '10:66 state.a.exclude[2] "[ab" has a bracket without its partner; a glob is relative to the path, like "**/*.tmp"',
        '10:73 state.a.exclude[3] "{a,b" has a bracket without its partner; a glob is relative to the path, like "**/*.tmp"',
      ],
    },
    {
      name: 'a required layer without checks',
      text: also('validate: { required: [application, database] }'),
      expected: [
        '10:37 validate.required[1] no check belongs to the layer database, so it could never be answered; add one under validate.checks, or remove it',
      ],
    },
    {
      name: 'latency of what is not repeatable',
      text: also('validate: { checks: { a: { kind: http, method: POST, path: /, latency: true } } }'),
      expected: [
        '10:72 validate.checks.a.latency latency is measured by asking often, which POST may not be; remove it, or ask with GET',
      ],
    },
    {
      name: 'a body that GET does not carry',
      text: also('validate: { checks: { a: { kind: http, path: /, body: {} } } }'),
      expected: ['10:49 validate.checks.a.body GET carries no body; remove it, or take POST'],
    },
    {
      name: 'looking into an answer to HEAD',
      text: also('validate: { checks: { a: { kind: http, method: HEAD, path: /, expect: { contains: x } } } }'),
      expected: ['10:63 validate.checks.a.expect an answer to HEAD has no body to look into; ask with GET'],
    },
    {
      name: 'a freeze that ends before it begins',
      text: also("access: { freeze: [{ days: [fri], after: '16:00', before: '08:00' }] }"),
      expected: [
        '10:59 access.freeze[0].before ends at 08:00, before it begins at 16:00; for a freeze over midnight write two',
      ],
    },
  ])('$name', ({ text, expected }) => {
    expect(problemsOf(text)).toEqual(expected);
  });

  it.each([
    {
      name: 'a check may not be measured on purpose',
      text: also('validate: { checks: { a: { kind: http, method: POST, path: /, latency: false } } }'),
    },
    {
      name: 'two services on one port of different addresses',
      text: changed(
        'environments:',
        '  api: { artifact: a, run: { command: [a], port: 3000, host: 127.0.0.2 } }\nenvironments:',
      ),
    },
    { name: 'absolute state without a service', text: also('state: { a: { kind: sqlite, path: /var/lib/app.db } }') },
    { name: 'a service that depends on two others', text: worker('    depends_on: [web]\n') },
  ])('but $name', ({ text }) => {
    expect(problemsOf(text)).toEqual([]);
  });
});

describe('one mistake', () => {
  it.each([
    {
      name: 'a misspelt port',
      text: changed('port:', 'prot:'),
      expected: ['5:40 services.web.run.prot unknown key; did you mean "port"?'],
    },
    {
      name: 'a misspelt command',
      text: changed('command:', 'comand:'),
      expected: ['5:12 services.web.run.comand unknown key; did you mean "command"?'],
    },
    {
      name: 'a misspelt artifact',
      text: changed('artifact:', 'artefact:'),
      expected: ['4:5 services.web.artefact unknown key; did you mean "artifact"?'],
    },
    {
      name: 'a misspelt target',
      text: changed('    target:', '    tagret:'),
      expected: ['9:5 environments.local.tagret unknown key; did you mean "target"?'],
    },
    {
      name: 'a misspelt kind',
      text: changed('{ kind: directory', '{ kidn: directory'),
      expected: ['9:15 environments.local.target.kidn unknown key; did you mean "kind"?'],
    },
    {
      name: 'a misspelt top',
      text: changed('services:', 'service:'),
      expected: ['2:1 service unknown key; did you mean "services"?'],
    },
    {
      name: 'misspelt environments',
      text: changed('environments:', 'enviroments:'),
      expected: ['7:1 enviroments unknown key; did you mean "environments"?'],
    },
  ])('is one problem: $name', ({ text, expected }) => {
    expect(problemsOf(`${text}validate: { logins: { a: { path: /, token: $.t } } }\n`)).toEqual(expected);
  });
});

describe('warnings', () => {
  it.each([
    {
      name: 'a secret that stands in the file',
      text: service('env: { DB_PASSWORD: hunter2 }'),
      expected: 'services.web.env.DB_PASSWORD',
    },
    { name: 'a name that nothing reads', text: also('secrets: [UNUSED]'), expected: 'secrets[0]' },
    {
      name: 'channels without a route',
      text: also('alerts: { channels: { a: { kind: terminal } } }'),
      expected: 'alerts.channels',
    },
    {
      name: 'a route that is never reached',
      text: also('alerts: { channels: { a: { kind: terminal } }, routes: [{ send: [a] }, { send: [a] }] }'),
      expected: 'alerts.routes[1]',
    },
  ])('tell $name', ({ text, expected }) => {
    expect(loaded(text).warnings.map(({ path }) => path)).toEqual([expected]);
  });
});

it('tells all problems at once, in the order of the file, with how many there are', () => {
  const text = `version: 1
secrets: [DATABASE_URL]
services:
  api:
    artifact: build
    run: { command: [node, server.js], prot: 3000 }
    env: { DATABASE_URL: "\${DATABASE_URL:?where the policies live}" }
    health: { streak: three }
    depends_on: [wroker]
  worker:
    artifact: build
    run: { command: node worker.js, port: 3000, strategy: sockt }
alerts:
  chanels: {}
environments:
  local:
    target: { kind: directory, path: ~/apps/navigator }
    releases: { keep: 0 }
`;

  const result = load(text);

  expect(formatProblems(result.ok ? [] : result.problems, 'holdfast.yml')).toBe(
    `holdfast.yml:6:40   services.api.run.prot   unknown key; did you mean "port"?
holdfast.yml:7:26   services.api.env.DATABASE_URL   the secret DATABASE_URL is not set: where the policies live
holdfast.yml:8:23   services.api.health.streak   expected a whole number from 1 to 100, found "three"
holdfast.yml:9:18   services.api.depends_on[0]   there is no service called "wroker"; did you mean "worker"?
holdfast.yml:12:21  services.worker.run.command   expected a list, found "node worker.js"
holdfast.yml:12:59  services.worker.run.strategy   expected one of restart, socket, overlap, found "sockt"; did you mean "socket"?
holdfast.yml:14:3   alerts.chanels   unknown key; did you mean "channels"?
holdfast.yml:18:23  environments.local.releases.keep   expected a whole number from 1 to 1000, found 0
8 problems in holdfast.yml`,
  );
});

it('keeps hostile texts on one line and out of the terminal', () => {
  const text = TEN_LINES.replace('3000', '"\\e[31mred\\nnext"');

  const lines = problemsOf(`"a\\u001b\\nb": 1\n${text}`);
  const printed = formatProblems(
    load(`"a\\u001b\\nb": 1\n${text}`).ok
      ? []
      : [{ file: 'f', line: 1, column: 1, path: 'a\u001b\nb', message: lines.join('\r\n') }],
    'f',
  );

  expect(printed.split('\n')).toHaveLength(2);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be left
  expect(printed).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});
