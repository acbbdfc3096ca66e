// What a workflow that calls one of ours grants and hands over, held to what ours asks: GitHub tells a caller of a mistake
// only when the run starts, and other linters do not read a workflow of another repository.
import { isMap, parseDocument } from 'yaml';

/** `owner/name/.github/workflows/file.yml@commit` of this repository under any owner, or `$/.github/workflows/file.yml`. */
const OURS = /^(?:[\w.-]+\/holdfast|\$)\/\.github\/workflows\/([\w.-]+\.ya?ml)(?:@|$)/;
const LEVELS = ['none', 'read', 'write'];

/**
 * One line for each thing that a caller of ours does wrong. `readOurs` answers the text of one of our workflows by file
 * name, undefined where there is none.
 */
export function callProblems(text, readOurs) {
  const caller = parse(text);
  return Object.entries(caller?.jobs ?? {}).flatMap(([job, call]) => {
    const [, file] = OURS.exec(String(call?.uses ?? '')) ?? [];
    if (file === undefined) return [];
    const ours = readOurs(file);
    const called = ours === undefined ? undefined : parse(ours)?.on?.workflow_call;
    if (called === undefined) return [`the job "${job}" calls ${file}, which cannot be called`];
    return [
      ...missingGrants(parse(ours).jobs, call.permissions),
      ...wrongNames('input', called?.inputs, call.with),
      ...(call.secrets === 'inherit'
        ? ['it hands all secrets over']
        : wrongNames('secret', called?.secrets, call.secrets)),
    ].map((problem) => `the job "${job}" calls ${file}: ${problem}`);
  });
}

/** GitHub starts nothing when a job of the called workflow asks for more than the calling job has. */
function missingGrants(jobs, granted) {
  const asked = new Map();
  for (const { permissions } of Object.values(jobs ?? {})) {
    for (const [scope, level] of Object.entries(permissions ?? {})) {
      if (LEVELS.indexOf(level) > LEVELS.indexOf(asked.get(scope) ?? 'none')) asked.set(scope, level);
    }
  }
  return [...asked]
    .filter(([scope, level]) => LEVELS.indexOf(granted?.[scope] ?? 'none') < LEVELS.indexOf(level))
    .map(([scope, level]) => `it needs "${scope}: ${level}"`);
}

function wrongNames(what, declared, given) {
  const known = declared ?? {};
  const unknown = Object.keys(given ?? {}).filter((name) => !(name in known));
  const missing = Object.entries(known).filter(([name, it]) => it?.required === true && !(name in (given ?? {})));
  return [
    ...unknown.map((name) => `it knows no ${what} "${name}"`),
    ...missing.map(([name]) => `it requires the ${what} "${name}"`),
  ];
}

/** Undefined for what is no map. A key `on` stays a text: this is YAML 1.2. */
function parse(text) {
  const document = parseDocument(text);
  return document.errors.length === 0 && isMap(document.contents) ? document.toJS() : undefined;
}
