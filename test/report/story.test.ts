import { describe, expect, it } from '@jest/globals';
import type { Severity } from '../../src/core/finding.ts';
import type { Report } from '../../src/core/report.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { readRecord } from '../../src/report/record.ts';
import { findingsThatMatter, tellStory } from '../../src/report/story.ts';
import { renderReport } from '../../src/report/terminal.ts';
import { aFinding, aReport, notStarted, released, rolledBack, unsafe } from './reports.ts';

const storyOf = (report: Report) => tellStory(report, readRecord(report));

describe('the story of a report', () => {
  it.each([
    {
      name: 'released',
      report: released,
      tone: 'good',
      verdict: 'Released',
      live: /^v2 \(release r-.*\) in production$/,
    },
    { name: 'rolled back', report: rolledBack, tone: 'bad', verdict: 'Rolled back', live: /^v2 / },
    { name: 'not started', report: notStarted, tone: 'bad', verdict: 'Not started: nothing was changed', live: /^v2 / },
    { name: 'unsafe', report: unsafe, tone: 'unsafe', verdict: 'UNSAFE: a person is needed now', live: /^Unknown/ },
    {
      name: 'live, not good',
      report: aReport({ reason: 'live-not-good', record: { live: { version: 'v2' } } }),
      tone: 'caution',
      verdict: 'Live, but not proven good',
      live: /^v2 in production$/,
    },
    {
      name: 'nothing live',
      report: aReport({ action: 'status', reason: 'empty', record: { live: null } }),
      tone: 'good',
      verdict: 'Status: done',
      live: /^Nothing is live in production/,
    },
  ])('tells what is live and what was decided: $name', ({ report, tone, verdict, live }) => {
    const story = storyOf(report);

    expect(story).toMatchObject({ tone, verdict });
    expect(story.live).toMatch(live);
    expect(story.decided[0]).toBe(`${report.summary}.`);
  });

  it('names the step that stopped it and what became of the data', () => {
    expect(storyOf(rolledBack).decided.slice(1)).toEqual([
      'The step validate stopped it (checks-failed): 2 of 6 checks failed.',
      'The data was brought back from the backup.',
      'The way back took 1.4 s.',
    ]);
  });

  it('advises to look before to act when it is unsafe', () => {
    expect(storyOf(unsafe).next.map(({ command }) => command)).toEqual([
      'holdfast status --environment production',
      'holdfast recover --environment production',
      undefined,
    ]);
  });

  it('offers no command with a name that a shell would read', () => {
    const story = storyOf(aReport({ subject: { ...released.subject, environment: 'x; rm -rf ~' } }));

    expect(story.next.map(({ command }) => command)).toContain('holdfast rollback');
  });

  it('gives the remedies of the worst findings first, each once, at most three', () => {
    const severities: readonly Severity[] = ['low', 'critical', 'high', 'high', 'medium'];
    const findings = severities.map((severity, index) =>
      aFinding({ outcome: 'fail', severity, remedy: `mend ${severity}`, check: `c${index}` }),
    );

    const story = storyOf(aReport({ reason: 'rolled-back', decision: 'stop', findings }));

    expect(story.next.map(({ text }) => text)).toEqual([
      'mend critical.',
      'mend high.',
      'mend medium.',
      'Mend what stopped it, then release again.',
    ]);
  });
});

describe('findings that matter', () => {
  it('are failures, then what could not be looked at, then warnings, each by severity', () => {
    const order = findingsThatMatter([
      aFinding({ check: 'a', outcome: 'warn', severity: 'critical' }),
      aFinding({ check: 'b', outcome: 'pass' }),
      aFinding({ check: 'c', outcome: 'fail', severity: 'low' }),
      aFinding({ check: 'd', outcome: 'unknown' }),
      aFinding({ check: 'e', outcome: 'fail', severity: 'high' }),
      aFinding({ check: 'f', outcome: 'skipped' }),
    ]).map(({ check }) => check);

    expect(order).toEqual(['e', 'c', 'd', 'a']);
  });
});

describe('an unsafe report', () => {
  it('cannot be missed in a terminal: its own frame around the box at the end', () => {
    const lines = renderReport(unsafe, { colour: false, width: 80 }).trimEnd().split('\n');

    expect(lines).toContainEqual(expect.stringMatching(/^║ UNSAFE: A PERSON IS NEEDED NOW +║$/));
    expect(lines.at(-1)).toMatch(/^╚═+╝$/);
  });

  it('stands out in inverse bold red in a terminal with colour', () => {
    expect(renderReport(unsafe, { colour: true, width: 80 })).toContain('\u001b[7m\u001b[1m\u001b[31mUNSAFE');
  });

  it('is the first heading and a warning box of a job summary', () => {
    expect(renderMarkdown(unsafe)).toMatch(/^# 🚨 UNSAFE: a person is needed now\n\n> \[!CAUTION\]\n> \*\*UNSAFE/);
  });

  it('is the title, a bar that stays in sight and the verdict of the page', () => {
    const page = renderHtml(unsafe);

    expect(page).toContain('<title>UNSAFE: a person is needed now · ');
    expect(page).toContain('<div class="alarm" role="alert"><p>UNSAFE: a person is needed now');
    expect(page).toContain('<header class="verdict unsafe">');
  });

  it.each([released, rolledBack, notStarted])('is the only one that says so', (report) => {
    const all = [renderReport(report, { colour: false, width: 80 }), renderMarkdown(report), renderHtml(report)];

    expect(all.join('\n').replace(/<style>[\s\S]*<\/style>/, '')).not.toMatch(/unsafe/i);
  });
});
