/**
 * Counts answers and failures. A failure is an error of the transport (class `reset`, whatever its code; `transport`
 * has the codes), a wait above the client's patience, or a 5xx. A 4xx or 5xx that one of the bad versions gave is a
 * wrong answer instead; a 4xx of any other is counted apart.
 */
export function createCounter(badVersions) {
  const startedAt = performance.now();
  const failures = { reset: 0, timeout: 0, status5xx: 0 };
  const transport = {};
  const versions = {};
  let requests = 0;
  let wrongAnswers = 0;
  let status4xx = 0;
  let writesAccepted = 0;
  let longestWaitMs = 0;
  let requestsBefore = 0;

  return {
    count({ status, version, failure, waitMs }, isWrite) {
      requests += 1;
      longestWaitMs = Math.max(longestWaitMs, waitMs);
      if (failure === 'timeout') failures.timeout += 1;
      else if (failure !== undefined) {
        failures.reset += 1;
        transport[failure] = (transport[failure] ?? 0) + 1;
      }
      if (failure !== undefined) return;
      const by = version ?? 'unknown';
      versions[by] = (versions[by] ?? 0) + 1;
      if (status >= 400 && badVersions.has(by)) wrongAnswers += 1;
      else if (status >= 500) failures.status5xx += 1;
      else if (status >= 400) status4xx += 1;
      else if (isWrite) writesAccepted += 1;
    },
    /** What was seen so far, and how many requests ended since the last time this was asked. */
    progress() {
      const lastSecond = requests - requestsBefore;
      requestsBefore = requests;
      return { lastSecond, ...totals() };
    },
    /** Everything, with the mean of requests per second. */
    summary() {
      const seconds = (performance.now() - startedAt) / 1000;
      return { ...totals(), perSecond: Math.round((requests / seconds) * 10) / 10, seconds: Math.round(seconds) };
    },
  };

  function totals() {
    return {
      requests,
      failures: { ...failures },
      transport: { ...transport },
      wrongAnswers,
      status4xx,
      versions: { ...versions },
      writesAccepted,
      longestWaitMs: Math.round(longestWaitMs),
    };
  }
}
