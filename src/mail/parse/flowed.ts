/** Text that was wrapped for the way, put together again (RFC 3676 format=flowed). */

/** Quote marks at the beginning; the rest of the line. */
function depthOf(line: string): { depth: number; rest: string } {
  let depth = 0;
  while (line[depth] === '>') depth++;
  return { depth, rest: line.slice(depth) };
}

/**
 * Lines that end in a space go on in the next one, unless it is quoted deeper or less (4.5) or is the signature mark `-- `
 * (4.3). One space at the beginning was put there by the sender's program (4.4). Quoted lines keep their marks, so that a
 * reader still sees whose words they are.
 */
export function unfoldFlowed(text: string, delSp: boolean): string {
  const lines: string[] = [];
  let open: { depth: number; pieces: string[] } | undefined;
  const close = () => {
    if (open) lines.push(`${'>'.repeat(open.depth)}${open.depth > 0 ? ' ' : ''}${open.pieces.join('')}`);
    open = undefined;
  };
  for (const line of text.split(/\r\n|\r|\n/)) {
    const { depth, rest } = depthOf(line);
    const words = rest.startsWith(' ') ? rest.slice(1) : rest;
    const signature = words === '-- ';
    if (open && (open.depth !== depth || signature)) close();
    const soft = words.endsWith(' ') && !signature;
    open ??= { depth, pieces: [] };
    open.pieces.push(soft && delSp ? words.slice(0, -1) : words);
    if (!soft) close();
  }
  close();
  return lines.join('\n');
}
