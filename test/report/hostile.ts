import type { Block } from '../../src/core/action.ts';
import type { Report } from '../../src/core/report.ts';
import { aFinding, aReport } from './reports.ts';

/** Texts that try to become something else in one medium or another. */
export const HOSTILE: readonly (readonly [name: string, text: string])[] = [
  ['a script', '<script>alert(1)</script>'],
  ['the end of a script', 'x</script><img src=x onerror=alert(1)>'],
  ['the end of a style', 'x</style><style>body{display:none}</style>'],
  ['the end of a comment', 'x--><!-- y'],
  ['the end of an attribute', `x" onmouseover="alert(1)' autofocus='`],
  ['the end of a fold', 'x</summary></details></main></body></html>'],
  ['a link of HTML', '<a href="javascript:alert(1)">ok</a>'],
  ['a link of Markdown', '[click](https://evil.example/x) ![](https://evil.example/p.png)'],
  ['a bare address', 'https://evil.example/login www.evil.example'],
  ['a mention', '@everyone @octocat'],
  ['a heading', '# All is well\n\n## really'],
  ['a table row', 'x | y |\n| --- | --- |\n| a | b |'],
  ['a fence', '```\n````\n~~~~\n</details>'],
  ['emphasis', '**bold** _it_ ~~gone~~ `code` $x^2$ \\'],
  ['an entity', '&lt;b&gt; &#60;b&#62; &amp;'],
  ['a command of a runner', '::set-output name=decision::proceed'],
  ['a command on a line of its own', 'fine\n::add-mask::***\n  ::stop-commands::x\r::error::y\r\n::warning::z'],
  ['an old command of a runner', 'x ##[set-env name=PATH]/evil'],
  ['colours', '\u001b[31mred\u001b[0m \u001b[1;38;2;1;2;3mrgb\u001b[m'],
  ['moves of the cursor', 'x\u001b[2J\u001b[1A\u001b[2K\rreleased\b\b\b'],
  ['a title and a link of a terminal', '\u001b]0;owned\u0007\u001b]8;;https://evil.example\u001b\\x\u001b]8;;\u001b\\'],
  ['an escape without end', 'x\u001b]0;never ends'],
  ['control bytes of one byte', 'x\u009b31my\u009d0;t\u009cz\u0090q\u0085w'],
  ['all control bytes', `${Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('x')}\u007f`],
  ['turned text', 'good \u202eton\u202c \u2066x\u2069 \u200f \u061c'],
  ['unseen characters', 'a\u200bb\ufeffc\u2060d\u{e0041}\u{e007f}e\u00ad'],
  ['line separators', 'a\u2028::error::b\u2029c'],
  ['lone surrogates', 'x\ud800y\udc00z'],
  ['stacked marks', `a${'\u0301'.repeat(5000)}`],
  ['wide characters', '警告：テスト 👩‍👩‍👧‍👦 ｆｕｌｌ'.repeat(20)],
  ['one long line', 'A'.repeat(100_000)],
  ['a long line of words', 'lorem <b>ipsum</b> '.repeat(6000)],
  ['a long line of escapes', '\u001b]'.repeat(50_000)],
  ['many lines', 'x\n'.repeat(50_000)],
  ['nothing', ''],
];

/** A report, with one text in every place that can come from outside. */
export function hostileReport(text: string, overrides: Partial<Report> = {}): Report {
  const finding = {
    check: text,
    message: text,
    remedy: text,
    path: text,
    measured: { [text]: text },
    references: [text, `https://example.org/${text}`],
  };
  return aReport({
    action: text,
    subject: { project: text, environment: text, release: text, version: text },
    decision: 'stop',
    reason: 'rolled-back',
    summary: text,
    findings: [
      aFinding({ ...finding, outcome: 'fail' }),
      aFinding({ ...finding, outcome: 'warn', layer: 'security' }),
      aFinding({ ...finding, outcome: 'pass' }),
    ],
    record: {
      live: { release: text, version: text },
      steps: [{ name: text, decision: 'stop', reason: text, durationMs: 5, summary: text }],
      backup: { id: text, [text]: text, proof: { verified: true, restoreMs: 1, note: text } },
      writes: [{ source: text, count: 2, unit: text, details: { [text]: [text] } }],
      rollback: { from: text, to: { version: text, release: text }, data: 'restored', durationMs: 2 },
      plan: [text, text],
      wrongAnswers: [{ path: text, [text]: text }],
      [text]: { [text]: text },
    },
    ...overrides,
  });
}

/** Every kind of block, with one text in every place. */
export function hostileBlocks(text: string): readonly Block[] {
  return [
    { kind: 'text', text },
    { kind: 'code', text },
    { kind: 'table', columns: [text, 'b'], rows: [[text, text], [text]] },
  ];
}
