/** Words as HTML: what is from outside can open no tag and end no attribute. Pure. */
import { light } from './style-render.ts';
import type { MailPicture } from './view-render.ts';

/** What a mail and a printed page do differently. */
export interface Manner {
  /** Where a picture is: a part of the mail, or the bytes themselves. */
  sourceOf(picture: MailPicture): string;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For quoted attributes and for text without a direction of its own. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

/** `visibleLine` isolates what is written from right to left; HTML has an element for that, and Word shows the signs as boxes. */
export const textHtml = (text: string): string =>
  escapeHtml(text).replace(/\u2068([^\u2068\u2069]*)\u2069/g, '<bdi dir="auto">$1</bdi>');

export const linkHtml = (href: string, html: string): string =>
  `<a href="${escapeHtml(href)}" class="t-link" style="color:${light('link')};text-decoration:underline">${html}</a>`;
