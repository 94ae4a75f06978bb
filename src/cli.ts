/** One command line from the shell, or a prompt: `npm run -s keepsake -- "backup ~/Pictures to /mnt/usb weekly"`. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Half the time of a short command is reading our own sources; compiled once, they are read in a quarter of it. The cache
// lies beside the packages and not in the shared temporary folder, where another user could put code of theirs.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/keepsake', import.meta.url)));

const { main } = await import('./terminal.ts');
process.exitCode = await main(process.argv.slice(2));
