import { describe, expect, it } from '@jest/globals';
import { renderHtml } from '../../src/report/html.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderReport } from '../../src/report/terminal.ts';
import { notStarted, released, rolledBack, unsafe } from './reports.ts';

const REPORTS = { released, rolledBack, notStarted, unsafe };

describe.each(Object.entries(REPORTS))('the report "%s" as a document', (_name, report) => {
  it('for a terminal', () => {
    expect(renderReport(report, { colour: false, width: 80 })).toMatchSnapshot();
  });

  it('for a job summary', () => {
    expect(renderMarkdown(report)).toMatchSnapshot();
  });

  it('for a browser', () => {
    expect(
      renderHtml(report)
        .replace(/<style>[\s\S]*<\/style>/, '<style>…</style>')
        .replace(/sha256-[A-Za-z0-9+/=]+/, 'sha256-…'),
    ).toMatchSnapshot();
  });

  it('for machines', () => {
    expect(renderJson(report)).toMatchSnapshot();
  });
});
