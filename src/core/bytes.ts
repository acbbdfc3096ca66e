const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'];

/** A size for people: `840 bytes`, `1.4 MB`, `12.0 GB`. */
export function formatBytes(sizeBytes: number): string {
  if (sizeBytes < 1000) return `${Math.round(sizeBytes)} bytes`;
  let value = sizeBytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}
