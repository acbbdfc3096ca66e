import type { HttpResponse } from '../platform/http.ts';
import type { Channel, ChannelPlatform, Patience } from './channel.ts';
import { deliver, isPassing, type Judgement } from './deliver.ts';
import type { SlackChannel } from './settings.ts';
import { slackMessage } from './slack-message.ts';

/**
 * One message per alert to an incoming webhook. Only the status 200 with the word `ok` is delivered. Slack folds nothing:
 * an alert that is sent twice is two messages. The address is a secret, and nothing that is told holds it.
 */
export function slackChannel({ webhook }: SlackChannel, platform: ChannelPlatform, patience: Patience): Channel {
  return {
    async send(alert) {
      const body = JSON.stringify(slackMessage(alert));
      const headers = { 'content-type': 'application/json; charset=utf-8' };
      const post = {
        compose: () => ({ url: webhook, headers, body }),
        judge: (answer: HttpResponse) => judge(answer, webhook),
      };
      const delivery = await deliver(post, platform, patience);
      return delivery.outcome === 'failed' ? { remedy: LATER, ...delivery } : delivery;
    },
  };
}

const LATER = 'See whether Slack is down, and whether this machine reaches it; then run "holdfast alert test".';
const BUG = 'Slack does not take a message that Holdfast composed: report this as a bug of Holdfast.';
const GONE =
  'The webhook was revoked, or its channel is gone: make a new webhook, and put its address into the secret.';
const OTHER = 'This was not an incoming webhook of Slack: look whether the secret holds the whole address.';

function judge({ status, body }: HttpResponse, webhook: string): Judgement {
  if (status === 200 && body.trim() === 'ok') return { outcome: 'delivered', detail: 'answered 200' };
  const word = wordOf(body, webhook);
  const detail =
    word === undefined ? `answered ${status}${status === 200 ? ', but not "ok"' : ''}` : `answered ${status} ${word}`;
  return isPassing(status)
    ? { outcome: 'again', detail }
    : { outcome: 'failed', detail, remedy: remedyOf(status, word) };
}

/** Slack says in one word what is wrong: `no_service`. Anything else, or a part of the address, is not repeated. */
function wordOf(body: string, webhook: string): string | undefined {
  const word = body.trim();
  const isWord = word.length <= 40 && /^[a-z]+(?:_[a-z]+)*$/.test(word);
  return isWord && !webhook.toLowerCase().includes(word) ? word : undefined;
}

function remedyOf(status: number, word: string | undefined): string {
  // The one word that Slack says with 400 and that is not about the message.
  if (word === 'user_not_found') return GONE;
  switch (status) {
    case 400:
    case 413:
    case 422:
      return BUG;
    case 401:
    case 403:
    case 404:
    case 410:
      return GONE;
    default:
      return OTHER;
  }
}
