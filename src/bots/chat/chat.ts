/** What Slack and Discord have in common: something is said somewhere, and replies are shown there. The words between the two. */
import type { Deliverer, FormName } from '../../engine/services.ts';
import type { Caller, Form, Instant, Reply, Suggestion, Wanted } from '../../engine/types.ts';

/** Who speaks, as the service tells it. */
export interface Speaker {
  /** The identity's id: unique on that surface (`T1/U1` in Slack, the user's number in Discord). */
  id: string;
  name: string;
  zone?: string;
  locale?: string;
}

export interface Place {
  /** The id of a channel or a direct conversation, as `ChatScreen.post` takes it. */
  conversation: string;
  /** Only the speaker and the bot are in it. */
  alone: boolean;
}

/** One line, whatever the person did to say it: typed it, pressed a button, filled in a form. */
export interface Said {
  line: string;
  /** The inbound event's own key: a repeated delivery has the same. */
  key: string;
  by: Speaker;
  where: Place;
  about?: Caller['about'];
  /** When the message was made whose button was pressed. */
  pressed?: Instant;
}

/** How one event is answered. The surface has acknowledged it before. */
export interface Answering {
  /**
   * Shows a reply to the speaker: to them alone unless the conversation is. The first call takes the place of "is
   * thinking", later ones are added below. Answers where the message stands, if it can be found again.
   */
  show(reply: Reply): Promise<string | undefined>;
  /** Replaces what `show` showed last, for people who take no direct messages. Throws `NotFound` when it is too late for that. */
  replace?(reply: Reply): Promise<void>;
  /** Takes the "is thinking" away when nothing needs to be said here. */
  nothing?(): Promise<void>;
}

/** A service's messages of the bot's own, as opposed to answers to one event. Every text is rendered here and nowhere else. */
export interface ChatScreen {
  surface: 'slack' | 'discord';
  /**
   * Posts a message and answers its reference. `key`: the same key is not posted twice where the service can tell;
   * `again`: an earlier try may have arrived though no answer came.
   * Throws `RetryLater` (with `after`) when the service wants a pause, `NotAllowed` when the bot may not write there,
   * `AuthRequired` when its token is refused.
   */
  post(conversation: string, reply: Reply, o: { key: string; again?: boolean; signal: AbortSignal }): Promise<string>;
  /** Replaces a message. `RetryLater` without having waited; `NotFound` when somebody removed it. Never delays a `post`. */
  edit(reference: string, reply: Reply, signal: AbortSignal): Promise<void>;
  /** The direct conversation with somebody. `NotAllowed` (code `closed`) for people who take no direct messages. */
  direct(person: string, signal: AbortSignal): Promise<string>;
  /** A link that opens the message, where the service has such a thing. */
  link?(reference: string, signal: AbortSignal): Promise<string | undefined>;
  /** Something of this person's changed: a home page may want to be drawn anew. */
  changed?(person: string): void;
}

/** What the surface calls. */
export interface Chat {
  /** Works a line to its end and shows what comes of it. Never throws for what a person said. */
  say(said: Said, answering: Answering): Promise<void>;
  /** The replies alone, for pages that are drawn and not answered (App Home). */
  ask(said: Said): Promise<Reply[]>;
  suggest(wanted: Wanted, by: Speaker): Promise<Suggestion[]>;
  /** A form to open at once; undefined where there is nothing to fill it with. */
  form(what: FormName, said: Omit<Said, 'line'>): Promise<Form | undefined>;
  /** What a message of the bot is about ("Restore this"). */
  about(reference: string): Promise<Caller['about']>;
  /** Goes on with the cards that an earlier process left open, until the signal is aborted; resolves when all is told. */
  work(signal: AbortSignal): Promise<void>;
  deliverer: Deliverer;
}

/** A chat service as the server runs it. */
export interface ChatSurface {
  name: 'slack' | 'discord';
  deliverer: Deliverer;
  /**
   * Connects and stays connected until the signal is aborted; resolves when everything in hand is told. A service that is
   * away is tried again with growing pauses; `AuthRequired` when it refuses the token. `onReady` is called each time it is
   * connected.
   */
  run(signal: AbortSignal, onReady?: () => void): Promise<void>;
}
