import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { recoverAction } from '../../actions/recover/action.ts';
import { releaseAction } from '../../actions/release/action.ts';
import { rollbackAction } from '../../actions/rollback/action.ts';
import { AlertSettings } from '../../src/alert/settings.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import { silentLog } from '../../src/platform/log.ts';
import { aPlatform } from '../support/platform.ts';
import { aShop, type Shop } from '../support/shop.ts';

let shop: Shop;
let said: string[];

beforeEach(async () => {
  shop = await aShop();
  said = [];
});

afterEach(async () => {
  await shop.close();
});

const TO_THE_TERMINAL = { channels: { here: { kind: 'terminal' } }, routes: [{ send: ['here'] }] };

function settingsOf(version: string, alerts: object = TO_THE_TERMINAL): Configuration {
  return { ...shop.configuration(version), alerts: AlertSettings.parse(alerts) };
}

const listening = (signal = new AbortController().signal) =>
  aPlatform({ signal, log: { ...silentLog(), info: (text) => said.push(text), warn: (text) => said.push(text) } });

async function release(version: string, fault?: string, alerts?: object) {
  await shop.build(version, fault);
  return releaseAction.run({ inputs: { version }, settings: settingsOf(version, alerts) }, listening());
}

const told = () => said.filter((line) => line.startsWith('shop local'));

describe('the alert of a run', () => {
  it('tells of a release, of one that fell back, and of a rollback by hand: who, what, what is live', async () => {
    await release('v1');
    await release('v2');
    const bad = await release('v3', 'crash');
    const back = await rollbackAction.run({ inputs: { hold: false }, settings: settingsOf('v2') }, listening());

    expect(bad).toMatchObject({ decision: 'stop', reason: 'rolled-back' });
    expect(back).toMatchObject({ decision: 'proceed', reason: 'rolled-back' });
    expect(told()).toEqual([
      expect.stringContaining('shop local v1 was released; v1 is live'),
      expect.stringContaining('shop local v2 was released; v2 is live'),
      expect.stringContaining('shop local v3 failed and was rolled back; v2 is live'),
      expect.stringContaining('shop local v2 was rolled back by hand; v1 is live'),
    ]);
    expect(bad.findings).toContainEqual(expect.objectContaining({ check: 'alert:here', outcome: 'pass' }));
  });

  it('that does not arrive is a warning, and the release stays what it is', async () => {
    const channel = { kind: 'webhook', url: 'http://127.0.0.1:1/hook', secret: 'a-key-of-sixteen-or-more' };
    const alerts = { channels: { ops: channel }, routes: [{ send: ['ops'] }] };

    const report = await release('v1', undefined, alerts);

    expect(report).toMatchObject({ decision: 'proceed', reason: 'released' });
    expect(report.findings.at(-1)).toMatchObject({ check: 'alert:ops', outcome: 'warn', severity: 'high' });
    expect(Date.parse(report.finishedAt)).toBeGreaterThanOrEqual(Date.parse(report.startedAt));
  });

  it('is sent although the run was interrupted', async () => {
    await release('v1');
    said = [];
    await shop.build('v2');
    const interrupt = new AbortController();
    const platform = listening(interrupt.signal);
    const log = {
      ...platform.log,
      step(name: string) {
        if (name === 'validate') interrupt.abort();
        return platform.log.step(name);
      },
    };

    const report = await releaseAction.run(
      { inputs: { version: 'v2' }, settings: settingsOf('v2') },
      { ...platform, log },
    );

    expect(report).toMatchObject({ decision: 'stop', reason: 'rolled-back' });
    expect(told()).toEqual([expect.stringContaining('v2 failed and was rolled back; v1 is live')]);
  });

  it('is none when nothing happened, no route matches, or there is none', async () => {
    const severe = { ...TO_THE_TERMINAL, routes: [{ when: { severity: 'critical' }, send: ['here'] }] };

    const nothing = await recoverAction.run({ inputs: {}, settings: settingsOf('v1') }, listening());
    const unrouted = await release('v1', undefined, severe);
    const without = await release('v2', undefined, {});

    expect(nothing.reason).toBe('nothing-to-recover');
    expect(told()).toEqual([]);
    for (const { findings } of [nothing, unrouted, without]) {
      expect(findings.filter(({ check }) => check.startsWith('alert'))).toEqual([]);
    }
  });
});
