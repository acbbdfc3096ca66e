import type { Configuration } from '../config/configuration.ts';
import type { Capsule } from '../core/capsule.ts';
import { timedId } from '../core/names.ts';
import type { Platform } from '../platform/platform.ts';
import type { BackupRecord, Proof } from '../sources/manifest.ts';
import { openStageBook, type StageBook, type Verdict } from './stages.ts';

export interface ReleaseRequest {
  readonly version: string;
  /** The one service that changes. */
  readonly service: string | undefined;
  /** Why this release may go on although its backup is not proven. */
  readonly withoutProof: string | undefined;
}

/** What every part of one release works with. */
export interface ReleaseRun {
  readonly id: string;
  readonly request: ReleaseRequest;
  readonly actor: string;
  readonly settings: Configuration;
  readonly platform: Platform;
  readonly stages: StageBook;
  readonly startedAt: number;
}

/** A new run with an id of its own. */
export function openRun(request: ReleaseRequest, settings: Configuration, platform: Platform): ReleaseRun {
  const startedAt = platform.clock.now();
  return {
    id: timedId('r', startedAt, platform.random.hex(2)),
    request,
    actor: platform.identity.actor,
    settings,
    platform,
    stages: openStageBook(platform),
    startedAt,
  };
}

/** What a release can fall back on. */
export interface SafetyNet extends Verdict {
  readonly backup?: BackupRecord;
  readonly proof?: Proof;
  readonly withoutProof?: string;
  /** Structure of each state source before anything changed. */
  readonly fingerprints: Capsule['fingerprints'];
}
