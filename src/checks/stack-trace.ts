const TRACES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^\s*at .+:\d+:\d+\)?\s*$/m, 'a stack trace of JavaScript'],
  [/\bat [^\n<]{1,120} ?\((?:file:\/\/)?\/[^\n)]+:\d+:\d+\)/, 'a stack trace of JavaScript'],
  [/Traceback \(most recent call last\)/, 'a stack trace of Python'],
  [/^\s*File "[^"\n]+", line \d+/m, 'a stack trace of Python'],
  [/\bat [\w$.]+\([\w$]+\.(?:java|kt|scala):\d+\)/, 'a stack trace of Java'],
  [/\bgoroutine \d+ \[/, 'a stack trace of Go'],
  [/\.(?:rb|php):\d+:in /, 'a stack trace'],
  [/\bin (?:<b>)?\/[^\s<]+\.php(?:<\/b>)? on line/, 'a stack trace of PHP'],
  [/\/(?:home|opt|root|srv|tmp|usr|var)\/[\w./@-]+\.(?:c?js|mjs|ts|py|rb|go|java|php)\b/, 'the path of a source file'],
];

/** What an answer tells of how the service is built, for a message; undefined when it tells nothing. */
export function findStackTrace(body: string, root: string): string | undefined {
  const text = body
    .replaceAll('&#x2F;', '/')
    .replaceAll('&nbsp;', ' ')
    .replaceAll('<br>', '\n')
    .replaceAll('\\n', '\n');
  if (root !== '/' && text.includes(`${root}/`)) return 'a path of the folder that it runs in';
  // A page may well name the scripts that it loads.
  const told = text.replaceAll(/\b(?:src|href)=(?:"[^"]*"|'[^']*')/g, '');
  return TRACES.find(([pattern]) => pattern.test(told))?.[1];
}
