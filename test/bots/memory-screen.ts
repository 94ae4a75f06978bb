/** A chat service that keeps its messages in memory and fails on demand, and how one event is answered there. */
import type { Answering, ChatScreen } from '../../src/bots/chat/chat.ts';
import { NotFound } from '../../src/engine/errors.ts';
import type { Reply } from '../../src/engine/types.ts';

interface Message {
  reference: string;
  states: Reply[];
}

export function memoryScreen() {
  const messages: Message[] = [];
  const fail = { post: [] as Error[], edit: [] as Error[], direct: undefined as Error | undefined };
  const posts: { key: string; again: boolean }[] = [];
  const changed: string[] = [];
  const screen: ChatScreen = {
    surface: 'slack',
    async post(conversation, reply, { key, again = false }) {
      posts.push({ key, again });
      // As long as a service takes: whatever else is said meanwhile comes in between.
      await new Promise((resolve) => setTimeout(resolve, 5));
      const error = fail.post.shift();
      if (error) throw error;
      const reference = `${conversation}/${messages.length + 1}`;
      messages.push({ reference, states: [reply] });
      return reference;
    },
    async edit(reference, reply) {
      const error = fail.edit.shift();
      if (error) throw error;
      const message = messages.find((one) => one.reference === reference);
      if (!message) throw new NotFound('This message was removed.');
      message.states.push(reply);
    },
    async direct(person) {
      if (fail.direct) throw fail.direct;
      return `D-${person}`;
    },
    link: async (reference) => `https://chat.example.org/${reference}`,
    changed: (person) => void changed.push(person),
  };
  return { screen, messages, fail, changed, posts };
}

export function memoryAnswer() {
  const shown: Reply[] = [];
  const counts = { nothing: 0 };
  const answering: Answering = {
    async show(reply) {
      shown.push(reply);
      return undefined;
    },
    async replace(reply) {
      shown[shown.length - 1] = reply;
    },
    async nothing() {
      counts.nothing++;
    },
  };
  return { answering, shown, counts };
}

export const last = <T>(items: readonly T[]): T => {
  const item = items.at(-1);
  if (item === undefined) throw new Error('There is none.');
  return item;
};
