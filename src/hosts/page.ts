import { dirname } from 'node:path';
import { errorMessage } from '../core/errors.ts';
import type { Report } from '../core/report.ts';
import type { Platform } from '../platform/platform.ts';
import { renderHtml } from '../report/html.ts';
import type { Mask } from '../report/text.ts';

/**
 * Writes the page for the person who was not there, where the report asks for one (`record.reportFile`). Answers its
 * path. A page that cannot be written changes nothing about what happened: it is said, and undefined is answered.
 */
export async function keepPage(
  report: Report,
  mask: Mask,
  { files, log }: Pick<Platform, 'files' | 'log'>,
): Promise<string | undefined> {
  const path = report.record?.['reportFile'];
  if (typeof path !== 'string') return undefined;
  try {
    await files.makeDirectory(dirname(path), 0o700);
    await files.write(path, renderHtml(report, { mask }), 0o600);
    return path;
  } catch (error) {
    log.warn(`the report was not written to ${path}: ${errorMessage(error)}`);
    return undefined;
  }
}
