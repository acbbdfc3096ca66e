import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Caller, createCaller, type Outcome } from './harness.ts';

const PIN = '3d3c42e5aac5ba805825da76410c181273ba90b1';

const workflow = `
name: Files
on: { workflow_dispatch: { inputs: { ref: { type: string } } } }
permissions: {}
jobs:
  make:
    runs-on: ubuntu-24.04
    outputs:
      id: \${{ steps.up.outputs.artifact-id }}
      digest: \${{ steps.up.outputs.artifact-digest }}
      commit: \${{ steps.old.outputs.commit }}
    steps:
      - id: old
        uses: actions/checkout@${PIN} # v7.0.1
        with: { ref: '\${{ inputs.ref }}', persist-credentials: false }
      - id: up
        uses: actions/upload-artifact@${PIN} # v7.0.1
        with: { name: build, path: build, if-no-files-found: error }
  use:
    needs: [make]
    runs-on: ubuntu-24.04
    outputs:
      text: \${{ steps.read.outputs.text }}
      empty: \${{ steps.none.outcome }}
    steps:
      - uses: actions/download-artifact@${PIN} # v7.0.1
        with: { artifact-ids: '\${{ needs.make.outputs.id }}', path: there }
      - id: read
        run: echo "text=$(cat there/inner/a.txt)" >> "$GITHUB_OUTPUT"
      - id: none
        continue-on-error: true
        uses: actions/download-artifact@${PIN} # v7.0.1
        with: { name: gone }
`;

describe("what stands in for GitHub's own actions", () => {
  let caller: Caller;
  let run: Outcome;
  let first: string;
  beforeAll(async () => {
    const files = { 'build/inner/a.txt': 'first', '.github/workflows/files.yml': workflow };
    caller = await createCaller({ name: 'shop', files, published: [] });
    first = caller.commit({ 'build/inner/a.txt': 'second' });
    caller.commit({ 'build/inner/a.txt': 'third' });
    const event = 'workflow_dispatch';
    run = await caller.run({ workflow: '.github/workflows/files.yml', event, inputs: { ref: first } });
  }, 180_000);
  afterAll(() => caller?.close());

  it('checks out the commit that the workflow names', () => {
    expect(run.jobs['caller']?.['make']).toMatchObject({ result: 'success', outputs: { commit: first } });
  });

  it('carries a folder from one job to the next, by number', () => {
    const [artifact] = caller.github.world.artifacts;

    expect(run.jobs['caller']?.['make']?.outputs).toMatchObject({
      id: String(artifact?.id),
      digest: artifact?.digest.replace('sha256:', ''),
    });
    expect(run.jobs['caller']?.['use']).toMatchObject({ result: 'success', outputs: { text: 'second' } });
  });

  it('fails the step that asks for what is not there', () => {
    expect(run.jobs['caller']?.['use']?.outputs['empty']).toBe('failure');
  });
});
