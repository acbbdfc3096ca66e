import { type FreezeWindow, Weekday } from './settings.ts';

/** The first window that holds this moment (milliseconds since 1970); undefined when none does. Pure. */
export function frozenBy(windows: readonly FreezeWindow[], now: number): FreezeWindow | undefined {
  return windows.find((window) => isInside(window, now));
}

/** `on fri, sat after 16:00 (Europe/Berlin)`: fits after "no release starts". */
export function describeWindow({ days, after, before, zone }: FreezeWindow): string {
  const from = after === '00:00' ? '' : ` after ${after}`;
  const until = before === undefined ? '' : ` before ${before}`;
  const joined = from !== '' && until !== '' ? `${from} and${until}` : `${from}${until}`;
  return `on ${days.join(', ')}${joined} (${zone})`;
}

function isInside({ days, after, before, zone }: FreezeWindow, now: number): boolean {
  const { day, time } = wallClock(now, zone);
  // Times of day are two digits each, so text compares like time.
  if (before === undefined) return days.includes(day) && time >= after;
  if (after < before) return days.includes(day) && time >= after && time < before;
  // A window that ends before it begins reaches into the morning of the next day.
  return (days.includes(day) && time >= after) || (days.includes(dayBefore(day)) && time < before);
}

/** What a clock on the wall shows there: the hour that daylight saving repeats counts both times, the one it skips never. */
function wallClock(now: number, timeZone: string): { day: Weekday; time: string } {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
  const day = Weekday.parse(parts.get('weekday')?.toLowerCase());
  return { day, time: `${parts.get('hour')}:${parts.get('minute')}` };
}

function dayBefore(day: Weekday): Weekday {
  const days = Weekday.options;
  return days[(days.indexOf(day) + days.length - 1) % days.length] ?? day;
}
