import type { AnnotationLevel, AnnotationPlace, Runner } from '../../src/hosts/runner.ts';

export interface Annotated {
  readonly level: AnnotationLevel;
  readonly title: string;
  readonly message: string;
  readonly place: AnnotationPlace | undefined;
}

/** A runner that remembers what it was told, in order. */
export interface FakeRunner extends Runner {
  /** Every call but inputs, as one text each: `mask …`, `info …`, `output …`, `group …`, `failed …`. */
  readonly told: string[];
  readonly outputs: Record<string, string>;
  readonly masks: string[];
  readonly annotations: Annotated[];
  readonly failures: string[];
  summary: string;
  /** Everything that a reader of job, page or later job could see. */
  readonly seen: () => string;
}

/** Inputs by name; those that are not there are empty, as on GitHub. */
export function fakeRunner(inputs: Readonly<Record<string, string>> = {}): FakeRunner {
  const left = new Map(Object.entries(inputs));
  const fake: FakeRunner = {
    told: [],
    outputs: {},
    masks: [],
    annotations: [],
    failures: [],
    summary: '',
    seen: () =>
      JSON.stringify([
        fake.told.filter((line) => !line.startsWith('mask ')),
        fake.outputs,
        fake.annotations,
        fake.failures,
        fake.summary,
      ]),
    takeInput(name) {
      const value = left.get(name) ?? '';
      left.delete(name);
      return value;
    },
    output(name, value) {
      fake.outputs[name] = value;
      fake.told.push(`output ${name}`);
    },
    mask(text) {
      fake.masks.push(text);
      fake.told.push(`mask ${text}`);
    },
    annotate(level, message, title, place) {
      fake.annotations.push({ level, title, message, place });
      fake.told.push(`${level} ${message}`);
    },
    info: (text) => fake.told.push(`info ${text}`),
    debug: (text) => fake.told.push(`debug ${text}`),
    openGroup: (title) => fake.told.push(`group ${title}`),
    closeGroup: () => fake.told.push('end of group'),
    async summarize(markdown) {
      fake.summary += markdown;
    },
    fail(message) {
      fake.failures.push(message);
      fake.told.push(`failed ${message}`);
    },
  };
  return fake;
}
