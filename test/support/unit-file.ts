/** Reads units and environment files as systemd.syntax(7), systemd.service(5) and systemd.exec(5) say, apart from what writes them. */

/** All values of each key of a section, in order: `get('Service', 'ExecStart')`. */
export interface UnitFile {
  get(section: string, key: string): string | undefined;
  list(section: string, key: string): string[];
}

export function parseUnit(text: string): UnitFile {
  const values = new Map<string, string[]>();
  let section = '';
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.endsWith('\\')) throw new Error(`a line that continues: ${line}`);
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      section = header;
      continue;
    }
    const split = line.indexOf('=');
    if (split < 1 || section === '') throw new Error(`no line of a unit: ${line}`);
    const key = `${section}.${line.slice(0, split).trim()}`;
    values.set(key, [...(values.get(key) ?? []), line.slice(split + 1).trim()]);
  }
  const get = (name: string, key: string) => values.get(`${name}.${key}`)?.at(-1);
  return { get, list: (name, key) => (get(name, key) ?? '').split(' ').filter((word) => word !== '') };
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', s: ' ' },
  ...{ '\\': '\\', '"': '"', "'": "'" },
};

/** The words of a command line: quotes, escapes as in C, then `%%`. `$` is left to `replaceDollars`. */
export function splitCommand(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (word === undefined && /^;(?:\s|$)/.test(line.slice(at))) throw new Error('a second command');
    if (character === '\\') {
      const [whole = '', code = ''] = /^\\(x[0-9a-f]{2}|u[0-9a-f]{4}|.)/.exec(line.slice(at)) ?? [];
      const escaped = code.length > 1 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : ESCAPES[code];
      if (escaped === undefined || escaped === '\0') throw new Error(`no escape of systemd: ${line.slice(at, at + 4)}`);
      word = (word ?? '') + escaped;
      at += whole.length - 1;
    } else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (character === quote) {
      quote = undefined;
    } else if (quote === undefined && (character === ' ' || character === '\t')) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== undefined) throw new Error('a quote that does not end');
  if (word !== undefined) words.push(word);
  return words.map(replaceSpecifiers);
}

/** Only `%%` is known here: units of ours use no other specifier. */
export function replaceSpecifiers(text: string): string {
  return text.replace(/%(.?)/gs, (_, next: string) => {
    if (next !== '%') throw new Error(`the specifier %${next}`);
    return '%';
  });
}

/** What systemd does with dollars when it starts a command. */
export function replaceDollars(word: string): string {
  return word.replace(/\$(.?)/gs, (_, next: string) => {
    if (next !== '$') throw new Error(`the variable $${next}`);
    return '$';
  });
}

/** The variables of an environment file of quoted values. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const [whole, name, quoted] = /^([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\[\s\S])*)"\n/.exec(rest) ?? [];
    if (whole === undefined || name === undefined || quoted === undefined) throw new Error(`no assignment: ${rest}`);
    // Before any other character a backslash stands for itself; before a line feed it would join the lines.
    variables[name] = quoted.replace(/\\([\s\S])/g, (both, next: string) =>
      '"\\$`'.includes(next) ? next : next === '\n' ? '' : both,
    );
    rest = rest.slice(whole.length);
  }
  return variables;
}
