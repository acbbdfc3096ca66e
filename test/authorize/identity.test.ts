import { describe, expect, it } from '@jest/globals';
import { identityOf } from '../../src/authorize/identity.ts';

const claims = { actor_id: '1234', actor: 'alice', repository_id: '77', repository: 'acme/shop', run_attempt: '1' };

describe('who asks', () => {
  it('is the numeric id of the actor', () => {
    expect(identityOf(claims, { repositoryId: '77' })).toEqual({
      actor: 'user:1234',
      login: 'alice',
      environment: undefined,
      ref: undefined,
      runId: undefined,
      attempt: 1,
    });
  });

  it.each([
    { name: 'without an actor', claims: { ...claims, actor_id: undefined }, message: 'actor_id' },
    { name: 'with the name of an actor for its id', claims: { ...claims, actor_id: 'alice' }, message: 'actor_id' },
    { name: 'with an id that is no text', claims: { ...claims, actor_id: 1234 }, message: 'actor_id' },
    { name: 'with an id in front of something', claims: { ...claims, actor_id: '1234\nuser:1' }, message: 'actor_id' },
    { name: 'with an empty id', claims: { ...claims, actor_id: '' }, message: 'actor_id' },
    { name: 'without a repository', claims: { actor_id: '1' }, message: 'repository_id' },
    { name: 'of another repository', claims: { ...claims, repository_id: '78' }, message: 'the repository 78' },
    { name: 'that are nothing', claims: undefined, message: 'the claims' },
  ])('is not proven by claims $name', ({ claims: given, message }) => {
    expect(() => identityOf(given, { repositoryId: '77' })).toThrow(message);
  });

  it('is not proven where nobody says which repository this is', () => {
    expect(() => identityOf(claims, { repositoryId: '' })).toThrow('this job is of');
  });
});
