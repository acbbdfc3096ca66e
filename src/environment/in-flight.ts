import type { LeaseRecord } from '../journal/lease-record.ts';
import { type Environment, sitesOf } from './environment.ts';

const POLL_MS = 250;
/** What a step needs beyond the times that are configured for it: copying, stopping, writing. */
const GRACE_MS = 60_000;

/**
 * Waits until the step that was under way when its lease was taken over has ended, so that two runs never change the same
 * thing at once. It ends when its result is in the journal, when nobody stands behind it any more, or when the longest
 * time is over that a step of this environment may take. Answers the name of a step that was not seen to end.
 */
export async function waitForStepInFlight(owner: LeaseRecord, environment: Environment): Promise<string | undefined> {
  const { leases, machine, platform } = environment;
  const deadline = (await machine.now()) + longestStepMs(environment);
  for (;;) {
    const step = await stepInFlight(environment);
    if (step === undefined || (await leases.isGone(owner)) === true) return undefined;
    if ((await machine.now()) >= deadline) return step;
    await platform.clock.sleep(POLL_MS, platform.signal);
  }
}

async function stepInFlight(environment: Environment): Promise<string | undefined> {
  for (const { journal } of sitesOf(environment)) {
    for (const { inFlight } of await journal.open()) if (inFlight !== undefined) return inFlight;
  }
  return undefined;
}

function longestStepMs({ settings }: Environment): number {
  const services = Object.values(settings.services);
  const times = services.map(({ migrate, health, run }) =>
    Math.max(migrate?.timeout ?? 0, Math.max(health.timeout, health.alive) + run.stop.timeout),
  );
  return Math.max(0, ...times) + GRACE_MS;
}
