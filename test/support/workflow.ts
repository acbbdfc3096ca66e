import type { Artifacts } from '../../src/platform/artifacts.ts';
import type { Deployment, DeploymentState } from '../../src/platform/deployments.ts';
import type { FoundRun, Workflow } from '../../src/platform/workflow.ts';

export interface FakeWorkflow extends Workflow {
  /** What GitHub says of runs, by number. */
  readonly runs: Map<number, FoundRun>;
  readonly made: (Deployment & { readonly environment: string; readonly states: DeploymentState[] })[];
}

export interface FakeWorkflowOptions {
  readonly id?: number;
  readonly attempt?: number;
  readonly job?: string;
  readonly call?: string;
  readonly commit?: string;
  readonly targets?: Readonly<Record<string, string>>;
  readonly artifacts?: Partial<Artifacts>;
  readonly workspace?: string;
  /** What the head of `main` holds, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Shared with another job of the same repository. */
  readonly with?: Pick<FakeWorkflow, 'runs' | 'made'>;
}

/** The head of `main`, and a commit that came before it: no other is of `main`. */
const [HEAD, ON_MAIN] = ['e'.repeat(40), 'd'.repeat(40)];

const REFUSED = async (): Promise<never> => {
  throw new Error('this must not be asked of GitHub here');
};

/** The run of a workflow whose GitHub is a list in memory. */
export function aWorkflow(options: FakeWorkflowOptions = {}): FakeWorkflow {
  const { id = 1, attempt = 1, job = 'release', call, commit = 'a'.repeat(40), targets = {} } = options;
  const { runs, made } = options.with ?? { runs: new Map<number, FoundRun>(), made: [] };
  const madeWith = (number: number) => made.find((each) => each.id === number);
  return {
    ...{ runs, made },
    run: {
      ...{ repository: 'acme/shop', id, attempt, job, commit, isHosted: false },
      url: `https://github.com/acme/shop/actions/runs/${id}`,
      workspace: options.workspace,
    },
    ...(call === undefined ? {} : { admission: { call, targets: { ...targets }, artifact: null } }),
    find: async (number) => runs.get(number),
    runAgainBy: REFUSED,
    deployments: {
      list: async (environment) => made.filter((each) => each.environment === environment).reverse(),
      states: async (number) => [...(madeWith(number)?.states ?? [])].reverse(),
      async create({ environment, commit: of, payload }) {
        const number = 100 + made.length;
        made.push({ id: number, commit: of, payload, environment, states: [] });
        return number;
      },
      async setState(number, state) {
        madeWith(number)?.states.push(state);
      },
    },
    artifacts: { upload: REFUSED, list: async () => [], download: REFUSED, ...options.artifacts },
    readFile: async (path, of) => {
      const text = options.files?.[path];
      return text === undefined || of !== HEAD ? undefined : Buffer.from(text);
    },
    defaultBranch: async () => ({ name: 'main', commit: HEAD }),
    isPartOf: async (part) => part === ON_MAIN,
  };
}

/** A run as GitHub tells of it. */
export function aRun(id: number, changes: Partial<FoundRun> = {}): FoundRun {
  return {
    ...{ id, attempt: 1, hasEnded: false, conclusion: undefined, branch: 'main', commit: ON_MAIN, event: 'push' },
    ...{ workflow: '.github/workflows/release.yml', isOfThisRepository: true },
    ...changes,
  };
}
